//! The run's system call filter: a list of what no program in a run has business with, everything else allowed, in one BPF
//! program (seccomp(2)). The kernel caches which calls are always allowed, so that only the listed ones cost anything.

use libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO, SECCOMP_RET_USER_NOTIF, c_long, sock_filter,
};

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const fn low(argument: u32) -> u32 {
    16 + 8 * argument
}
const fn high(argument: u32) -> u32 {
    low(argument) + 4
}

#[cfg(target_arch = "x86_64")]
const OURS: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const OURS: u32 = 0xC000_00B7;
/// Set in the numbers of the x32 interface, which shares the architecture word with x86_64.
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

const WRITES: u32 = (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC).cast_unsigned();
const CREATES: u32 = libc::O_CREAT.cast_unsigned();
/// Set-user-id and set-group-id: a file that would lend its owner's rights to whoever starts it, after the run.
const SET_ID: u32 = 0o6000;
/// Every `CLONE_NEW*` that clone(2) takes; unshare(2) takes the time namespace as well.
const NAMESPACES: u32 = 0x7E02_0000;
const TIME_NAMESPACE: u32 = 0x80;

/// Refused with EPERM, whatever the arguments.
const FORBIDDEN: &[c_long] = &[
    // Rings make files and sockets behind the back of every other filter.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Other processes' memory and descriptors.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Keys that belong to the user's session, not to the run.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Large parts of the kernel that few programs need and that its faults are often found in.
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    // The view of the files.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    OPEN_TREE_ATTR,
    libc::SYS_open_by_handle_at,
    // The machine. Refused by missing capabilities already.
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
];
/// Of the second argument of socket(2); the rest are flags.
const KIND: u32 = 0xf;
/// The same number on every architecture (Linux 6.15).
const OPEN_TREE_ATTR: c_long = 467;

/// Refused with ENOSYS: what they ask stands in memory, where no filter looks, and programs fall back to the older call.
const UNKNOWN: &[c_long] = &[libc::SYS_clone3, libc::SYS_openat2];

/// Which sockets a run may make. Where a namespace is missing that would give a kind of socket nothing to reach, there is
/// none of the kind at all: not even for the run's own loopback, because nothing here can see where a socket leads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sockets {
    /// Of the internet families. Refused without a network of its own: datagrams, the listening for somebody outside and
    /// `MSG_FASTOPEN` are in no landlock that judges TCP.
    pub(super) internet: bool,
    /// Of the Unix family, beyond pairs. Refused where a service's socket would be in sight.
    pub(super) with_path: bool,
}

impl Sockets {
    /// Every kind that a run in full has.
    pub(super) const ALL: Self = Self { internet: true, with_path: true };

    /// What is refused, in words.
    pub(super) fn refused(self) -> impl Iterator<Item = &'static str> {
        let internet = (!self.internet).then_some("no internet sockets, for want of a network of its own");
        let unix = (!self.with_path).then_some("no Unix sockets but pairs, for want of a view of files of its own");
        internet.into_iter().chain(unix)
    }
}

/// The filter. With `evidence`, opens for writing, connects and datagrams to an address are asked about first, and so are
/// sockets that will be refused.
pub(super) fn program(evidence: bool, sockets: Sockets) -> Vec<sock_filter> {
    let mut filter = Filter::default();
    filter.architecture();
    let noted = if evidence { SECCOMP_RET_USER_NOTIF } else { SECCOMP_RET_ALLOW };

    filter.opens(libc::SYS_openat, 2, 3, noted);
    #[cfg(target_arch = "x86_64")]
    {
        filter.opens(libc::SYS_open, 1, 2, noted);
        filter.call(libc::SYS_creat, |block| {
            block.deny_bits(1, SET_ID);
            block.answer(noted);
        });
        filter.call(libc::SYS_chmod, |block| block.deny_bits(1, SET_ID));
    }
    filter.call(libc::SYS_fchmod, |block| block.deny_bits(1, SET_ID));
    filter.call(libc::SYS_fchmodat, |block| block.deny_bits(2, SET_ID));
    filter.call(FCHMODAT2, |block| block.deny_bits(2, SET_ID));
    if evidence {
        filter.call(libc::SYS_connect, |block| block.answer(SECCOMP_RET_USER_NOTIF));
        filter.call(libc::SYS_sendto, |block| {
            block.if_set(low(4), u32::MAX, SECCOMP_RET_USER_NOTIF);
            block.if_set(high(4), u32::MAX, SECCOMP_RET_USER_NOTIF);
        });
    }
    // The arguments are in registers, where no other thread can change them. So here the question may be answered with a
    // refusal; and where nobody answers any more, the kernel says ENOSYS.
    let refused = if evidence { SECCOMP_RET_USER_NOTIF } else { errno(libc::EACCES) };
    filter.call(libc::SYS_socket, |block| {
        let of_path = if sockets.with_path { SECCOMP_RET_ALLOW } else { refused };
        block.if_equal(low(0), libc::AF_UNIX.cast_unsigned(), of_path);
        for family in [libc::AF_INET, libc::AF_INET6] {
            block.when(low(0), u32::MAX, family.cast_unsigned(), |block| {
                if !sockets.internet {
                    return block.answer(refused);
                }
                block.when(low(1), KIND, libc::SOCK_RAW.cast_unsigned(), |block| block.answer(refused));
                block.when(low(1), KIND, libc::SOCK_DGRAM.cast_unsigned(), |block| {
                    // Ping sockets: some systems give them to everybody.
                    for protocol in [libc::IPPROTO_ICMP, libc::IPPROTO_ICMPV6] {
                        block.if_equal(low(2), protocol.cast_unsigned(), refused);
                    }
                });
                block.answer(SECCOMP_RET_ALLOW);
            });
        }
        // Netlink for interfaces and routes, which libc asks about; every other netlink is a door into the kernel.
        block.unless_equal(low(0), libc::AF_NETLINK.cast_unsigned(), errno(libc::EAFNOSUPPORT));
        block.unless_equal(low(2), libc::NETLINK_ROUTE.cast_unsigned(), errno(libc::EAFNOSUPPORT));
    });
    filter.call(libc::SYS_socketpair, |block| {
        block.unless_equal(low(0), libc::AF_UNIX.cast_unsigned(), errno(libc::EAFNOSUPPORT));
    });
    filter.call(libc::SYS_clone, |block| block.deny_bits(0, NAMESPACES));
    filter.call(libc::SYS_unshare, |block| block.deny_bits(0, NAMESPACES | TIME_NAMESPACE));
    filter.call(libc::SYS_ioctl, |block| {
        // Typing into the terminal of whoever started the run. The kernel looks at the low half only, and so must this.
        for request in [libc::TIOCSTI, libc::TIOCLINUX] {
            block.if_equal(low(1), u32::try_from(request).unwrap_or(u32::MAX), errno(libc::EPERM));
        }
    });
    filter.group(UNKNOWN, errno(libc::ENOSYS));
    filter.group(FORBIDDEN, errno(libc::EPERM));
    filter.push(ret(SECCOMP_RET_ALLOW));
    filter.code
}

/// Only the questions, for a run without the filter.
pub(super) fn evidence_only() -> Vec<sock_filter> {
    let mut filter = Filter::default();
    filter.architecture();
    filter.call(libc::SYS_openat, |block| block.if_set(low(2), WRITES, SECCOMP_RET_USER_NOTIF));
    #[cfg(target_arch = "x86_64")]
    {
        filter.call(libc::SYS_open, |block| block.if_set(low(1), WRITES, SECCOMP_RET_USER_NOTIF));
        filter.call(libc::SYS_creat, |block| block.answer(SECCOMP_RET_USER_NOTIF));
    }
    filter.call(libc::SYS_connect, |block| block.answer(SECCOMP_RET_USER_NOTIF));
    filter.push(ret(SECCOMP_RET_ALLOW));
    filter.code
}

const FCHMODAT2: c_long = 452;

const fn errno(number: i32) -> u32 {
    SECCOMP_RET_ERRNO | number.cast_unsigned()
}

fn ret(what: u32) -> sock_filter {
    statement(BPF_RET | BPF_K, what)
}

fn load(offset: u32) -> sock_filter {
    statement(BPF_LD | BPF_W | BPF_ABS, offset)
}

fn statement(code: u32, k: u32) -> sock_filter {
    jump(code, k, 0, 0)
}

fn jump(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or(0), jt, jf, k }
}

fn number(call: c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

#[derive(Default)]
struct Filter {
    code: Vec<sock_filter>,
}

/// What is done about one call. Falls through to "allow" at its end; every block begins with whatever it loads.
#[derive(Default)]
struct Block {
    code: Vec<sock_filter>,
}

impl Filter {
    fn push(&mut self, one: sock_filter) {
        self.code.push(one);
    }

    /// Another architecture's numbers mean other calls: refused as a whole, as is the second set of numbers of x86_64.
    fn architecture(&mut self) {
        self.push(load(ARCHITECTURE));
        self.push(jump(BPF_JMP | BPF_JEQ | BPF_K, OURS, 1, 0));
        self.push(ret(errno(libc::ENOSYS)));
        self.push(load(NUMBER));
        #[cfg(target_arch = "x86_64")]
        {
            self.push(jump(BPF_JMP | BPF_JSET | BPF_K, X32, 0, 1));
            self.push(ret(errno(libc::ENOSYS)));
        }
    }

    /// The number is loaded whenever a block is passed over, because only blocks load anything else, and they end.
    fn call(&mut self, call: c_long, fill: impl FnOnce(&mut Block)) {
        let mut block = Block::default();
        fill(&mut block);
        block.code.push(ret(SECCOMP_RET_ALLOW));
        let over = u8::try_from(block.code.len()).expect("invariant: blocks are short");
        self.push(jump(BPF_JMP | BPF_JEQ | BPF_K, number(call), 0, over));
        self.code.extend(block.code);
    }

    fn opens(&mut self, call: c_long, flags: u32, mode: u32, noted: u32) {
        self.call(call, |block| {
            // if flags & CREATES { if mode & SET_ID { EPERM } }
            block.code.push(load(low(flags)));
            block.code.push(jump(BPF_JMP | BPF_JSET | BPF_K, CREATES, 0, 3));
            block.code.push(load(low(mode)));
            block.code.push(jump(BPF_JMP | BPF_JSET | BPF_K, SET_ID, 0, 1));
            block.code.push(ret(errno(libc::EPERM)));
            block.if_set(low(flags), WRITES, noted);
        });
    }

    fn group(&mut self, calls: &[c_long], answer: u32) {
        let count = calls.len();
        for (index, &call) in calls.iter().enumerate() {
            // To the answer, which stands behind the last of them and the jump over it.
            let to_answer = u8::try_from(count - index).expect("invariant: groups are short");
            self.push(jump(BPF_JMP | BPF_JEQ | BPF_K, number(call), to_answer, 0));
        }
        self.push(jump(BPF_JMP | libc::BPF_JA, 1, 0, 0));
        self.push(ret(answer));
    }
}

impl Block {
    fn answer(&mut self, what: u32) {
        self.code.push(ret(what));
    }

    /// What `fill` says when the masked argument is that value; whatever comes after this otherwise, or when it says nothing.
    fn when(&mut self, offset: u32, mask: u32, value: u32, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        let over = u8::try_from(inner.code.len()).expect("invariant: blocks are short");
        self.code.push(load(offset));
        self.code.push(statement(BPF_ALU | BPF_AND | BPF_K, mask));
        self.code.push(jump(BPF_JMP | BPF_JEQ | BPF_K, value, 0, over));
        self.code.extend(inner.code);
    }

    fn deny_bits(&mut self, argument: u32, bits: u32) {
        self.if_set(low(argument), bits, errno(libc::EPERM));
    }

    fn if_set(&mut self, offset: u32, bits: u32, what: u32) {
        self.code.push(load(offset));
        self.code.push(jump(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
        self.code.push(ret(what));
    }

    fn if_equal(&mut self, offset: u32, value: u32, what: u32) {
        self.code.push(load(offset));
        self.code.push(jump(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
        self.code.push(ret(what));
    }

    fn unless_equal(&mut self, offset: u32, value: u32, what: u32) {
        self.code.push(load(offset));
        self.code.push(jump(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0));
        self.code.push(ret(what));
    }
}
