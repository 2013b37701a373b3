//! Raw system calls that rustix lacks, each as a safe function: everything `unsafe` of the launcher is here.

#![expect(unsafe_code, reason = "system calls that rustix does not wrap")]

use std::ffi::CStr;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `MOUNT_ATTR_*` of mount_setattr(2).
pub(super) const RDONLY: u64 = 0x1;
pub(super) const NOSUID: u64 = 0x2;
pub(super) const NODEV: u64 = 0x4;
const IDMAP: u64 = 0x0010_0000;

pub(super) fn done(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

pub(super) fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    let number = RawFd::try_from(done(result)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us, and nothing else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Which side of a fork this is.
pub(super) enum Side {
    Child,
    Parent(i32),
}

/// fork(2). The caller has one thread, so the child may allocate and do whatever a process may.
pub(super) fn fork() -> io::Result<Side> {
    // SAFETY: every caller is single-threaded (checked at the entry of the launcher; its children have one thread each),
    // so no lock is held by a thread that the child lacks.
    match done(libc::c_long::from(unsafe { libc::fork() }))? {
        0 => Ok(Side::Child),
        pid => Ok(Side::Parent(i32::try_from(pid).map_err(io::Error::other)?)),
    }
}

/// Ends the process without running what the parent registered at exit.
pub(super) fn exit(code: i32) -> ! {
    // SAFETY: no pointers; the process is gone afterwards.
    unsafe { libc::_exit(code) }
}

/// unshare(2).
pub(super) fn unshare(flags: libc::c_int) -> io::Result<()> {
    // SAFETY: no pointers. Callers have one thread, and share no descriptor table that they would have to be told about.
    done(libc::c_long::from(unsafe { libc::unshare(flags) })).map(drop)
}

/// Gives up being root: no supplementary groups, then group, then user, in every id that a process has.
pub(super) fn become_user(uid: u32, gid: u32) -> io::Result<()> {
    // SAFETY: no pointers but a null list of length 0. Raw calls, because this process has one thread.
    unsafe {
        done(libc::syscall(libc::SYS_setgroups, 0_usize, std::ptr::null::<u32>()))?;
        done(libc::syscall(libc::SYS_setresgid, gid, gid, gid))?;
        done(libc::syscall(libc::SYS_setresuid, uid, uid, uid))?;
    }
    Ok(())
}

/// mount_setattr(2) on what the descriptor names.
pub(super) fn mount_setattr(fd: BorrowedFd<'_>, recursive: bool, set: u64, clear: u64) -> io::Result<()> {
    setattr(fd, recursive, libc::mount_attr { attr_set: set, attr_clr: clear, propagation: 0, userns_fd: 0 })
}

/// Makes the user ids of a detached mount be seen through a user namespace.
pub(super) fn mount_idmap(fd: BorrowedFd<'_>, user_namespace: BorrowedFd<'_>) -> io::Result<()> {
    let userns_fd = u64::try_from(user_namespace.as_raw_fd()).map_err(io::Error::other)?;
    setattr(fd, false, libc::mount_attr { attr_set: IDMAP, attr_clr: 0, propagation: 0, userns_fd })
}

fn setattr(fd: BorrowedFd<'_>, recursive: bool, attributes: libc::mount_attr) -> io::Result<()> {
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a valid C string, the attributes live through the call and their size is passed.
    done(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    })
    .map(drop)
}

/// seccomp(2), `SECCOMP_SET_MODE_FILTER`. With `listener`, the descriptor on which the kernel asks.
pub(super) fn seccomp(program: &[libc::sock_filter], listener: bool) -> io::Result<Option<OwnedFd>> {
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    let install = |flags: libc::c_ulong| {
        // SAFETY: the program lives through the call; the kernel copies it and does not write to it.
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) }
    };
    if !listener {
        return done(install(0)).map(|_| None);
    }
    // A call that waits for an answer can then be interrupted only by what kills (Linux 5.19): else a program that gets
    // many signals would ask again and again.
    const WAIT_KILLABLE_RECV: libc::c_ulong = 1 << 5;
    let with_wait = owned(install(libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | WAIT_KILLABLE_RECV));
    let fd = match with_wait {
        Err(why) if why.raw_os_error() == Some(libc::EINVAL) => owned(install(libc::SECCOMP_FILTER_FLAG_NEW_LISTENER)),
        other => other,
    };
    fd.map(Some)
}

/// Waits for the next question of a seccomp listener.
pub(super) fn notification(listener: BorrowedFd<'_>) -> io::Result<libc::seccomp_notif> {
    // SAFETY: plain integers, for which zero is a value, and which the kernel insists on.
    let mut asked: libc::seccomp_notif = unsafe { zeroed() };
    // SAFETY: the structure lives through the call and is as large as this request says.
    done(libc::c_long::from(unsafe {
        libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut asked)
    }))?;
    Ok(asked)
}

/// Lets the call that was asked about go on as if nobody had asked.
pub(super) fn let_go_on(listener: BorrowedFd<'_>, id: u64) -> io::Result<()> {
    let mut answer = libc::seccomp_notif_resp {
        id,
        val: 0,
        error: 0,
        flags: u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or(1),
    };
    // SAFETY: the structure lives through the call and is as large as this request says.
    done(libc::c_long::from(unsafe {
        libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer)
    }))
    .map(drop)
}

/// Fails the call that was asked about.
pub(super) fn refuse(listener: BorrowedFd<'_>, id: u64, error: i32) -> io::Result<()> {
    let mut answer = libc::seccomp_notif_resp { id, val: 0, error: -error, flags: 0 };
    // SAFETY: the structure lives through the call and is as large as this request says.
    done(libc::c_long::from(unsafe {
        libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer)
    }))
    .map(drop)
}

/// Whether the process that asked still waits: what was read of it meanwhile was its own.
pub(super) fn still_waits(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the id lives through the call.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const id) == 0 }
}

/// Empties the bounding set, so that no program can give a capability back.
pub(super) fn empty_bounding_set() {
    for capability in 0..64 {
        // SAFETY: no pointers. A number that the kernel does not know is refused, which is as good.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
}

/// Drops every capability: effective, permitted and inheritable, and with them the ambient ones.
pub(super) fn drop_capabilities() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header { version: VERSION_3, pid: 0 };
    let nothing = [0_u32; 6];
    // SAFETY: header and data have the layout of version 3 and live through the call.
    done(unsafe { libc::syscall(libc::SYS_capset, &raw const header, nothing.as_ptr()) }).map(drop)
}

/// Marks every descriptor from `first` on close-on-exec (close_range(2)), whoever opened it.
pub(super) fn close_on_exec_from(first: u32) -> io::Result<()> {
    // SAFETY: no pointers; nothing is closed yet, so no owner is betrayed.
    done(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) }).map(drop)
}

/// execve(2), with the search through `candidates` already made. Returns only when none could be started.
pub(super) fn exec(
    candidates: &[std::ffi::CString],
    args: &[std::ffi::CString],
    env: &[std::ffi::CString],
) -> io::Error {
    let pointers = |texts: &[std::ffi::CString]| -> Vec<*const libc::c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (args, env) = (pointers(args), pointers(env));
    let mut kept = io::Error::from_raw_os_error(libc::ENOENT);
    for candidate in candidates {
        // SAFETY: both lists end with a null pointer, and every string outlives the call.
        unsafe { libc::execve(candidate.as_ptr(), args.as_ptr(), env.as_ptr()) };
        let why = io::Error::last_os_error();
        // As execvp(3): what is merely not there is looked for further on; anything else is worth saying.
        if !matches!(why.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) {
            kept = why;
        }
    }
    kept
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Code(i32),
    Signal(i32),
    /// Not yet: it is stopped.
    Stopped,
}

/// waitpid(2) for one process, or with -1 for any; `None` when there is none left.
pub(super) fn wait(pid: i32) -> Option<(i32, Ending)> {
    wait_with(pid, 0)
}

/// The same, of a child that is only stopped as well.
pub(super) fn wait_or_stop(pid: i32) -> Option<(i32, Ending)> {
    wait_with(pid, libc::WUNTRACED)
}

fn wait_with(pid: i32, options: i32) -> Option<(i32, Ending)> {
    loop {
        let mut status = 0;
        // SAFETY: the status lives through the call.
        let got = unsafe { libc::waitpid(pid, &raw mut status, options) };
        if got > 0 {
            if libc::WIFEXITED(status) {
                return Some((got, Ending::Code(libc::WEXITSTATUS(status))));
            }
            if libc::WIFSIGNALED(status) {
                return Some((got, Ending::Signal(libc::WTERMSIG(status))));
            }
            if libc::WIFSTOPPED(status) {
                return Some((got, Ending::Stopped));
            }
        } else if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None;
        }
    }
}

/// A set of signals.
#[derive(Clone, Copy)]
pub(super) struct Signals(libc::sigset_t);

impl Signals {
    pub(super) fn of(numbers: &[i32]) -> Self {
        // SAFETY: sigemptyset initialises the set, sigaddset changes that set only.
        unsafe {
            let mut set: libc::sigset_t = zeroed();
            libc::sigemptyset(&raw mut set);
            for &number in numbers {
                libc::sigaddset(&raw mut set, number);
            }
            Self(set)
        }
    }

    /// Blocks these for the calling thread and those that it starts; gives what was blocked before.
    pub(super) fn block(&self) -> Self {
        let mut before = Self::of(&[]);
        // SAFETY: both sets live through the call.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const self.0, &raw mut before.0) };
        before
    }

    /// Makes exactly these the blocked ones.
    pub(super) fn only_these(&self) {
        // SAFETY: the set lives through the call; the old one is not asked for.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }

    /// A descriptor on which they arrive.
    pub(super) fn descriptor(&self) -> io::Result<OwnedFd> {
        // SAFETY: the set lives through the call.
        owned(libc::c_long::from(unsafe {
            libc::signalfd(-1, &raw const self.0, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        }))
    }
}

/// One signal from a descriptor of [`Signals`]: its number, and whether a process sent it (a terminal does not).
pub(super) fn next_signal(descriptor: BorrowedFd<'_>) -> Option<(i32, bool)> {
    // SAFETY: plain integers.
    let mut info: libc::signalfd_siginfo = unsafe { zeroed() };
    let size = size_of::<libc::signalfd_siginfo>();
    // SAFETY: the structure lives through the call and is as large as passed.
    let got = unsafe { libc::read(descriptor.as_raw_fd(), (&raw mut info).cast(), size) };
    (usize::try_from(got) == Ok(size)).then(|| (i32::try_from(info.ssi_signo).unwrap_or(0), info.ssi_code <= 0))
}

/// Sets a signal to be ignored, or to its default.
pub(super) fn disposition(number: i32, ignore: bool) {
    // SAFETY: no handler of ours is involved.
    unsafe { libc::signal(number, if ignore { libc::SIG_IGN } else { libc::SIG_DFL }) };
}

/// Ends this process by a signal, as its child was ended.
pub(super) fn die_by(number: i32) {
    disposition(number, false);
    Signals::of(&[]).only_these();
    // SAFETY: no pointers.
    unsafe { libc::raise(number) };
}

/// A descriptor for a process (pidfd_open(2)).
pub(super) fn pidfd(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: no pointers.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

/// The parent of a process.
pub(super) fn parent_of(pid: i32) -> Option<i32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// A copy of a descriptor of another process (pidfd_getfd(2)).
pub(super) fn descriptor_of(process: BorrowedFd<'_>, number: i32) -> io::Result<OwnedFd> {
    // SAFETY: no pointers.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0) })
}

/// pidfd_send_signal(2).
pub(super) fn signal(process: BorrowedFd<'_>, number: i32) -> io::Result<()> {
    // SAFETY: the information is null, which means as kill(2) would.
    done(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), number, std::ptr::null::<u8>(), 0) })
        .map(drop)
}

/// Bytes of another process, as far as they are there.
pub(super) fn read_memory(pid: i32, address: u64, into: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec {
        iov_base: usize::try_from(address).map_err(io::Error::other)? as *mut libc::c_void,
        iov_len: into.len(),
    };
    // SAFETY: the local piece is the caller's buffer; the remote address is only a number to this process.
    let got =
        done(unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) } as libc::c_long)?;
    usize::try_from(got).map_err(io::Error::other)
}

/// A system call for what it answers: the witness makes calls that must be refused.
pub(super) fn attempt(number: libc::c_long, arguments: [usize; 6]) -> io::Result<libc::c_long> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: callers pass numbers and null pointers; the kernel refuses the call, or answers EFAULT.
    done(unsafe { libc::syscall(number, a, b, c, d, e, f) })
}

/// A device node that everybody may open, for a caller who may make one.
pub(super) fn device_node(folder: BorrowedFd<'_>, name: &CStr, major: u32, minor: u32) -> io::Result<()> {
    // SAFETY: the name is a C string.
    done(libc::c_long::from(unsafe {
        libc::mknodat(folder.as_raw_fd(), name.as_ptr(), libc::S_IFCHR | 0o666, libc::makedev(major, minor))
    }))?;
    // SAFETY: as above. The mode given to mknodat passed the umask.
    done(libc::c_long::from(unsafe { libc::fchmodat(folder.as_raw_fd(), name.as_ptr(), 0o666, 0) })).map(drop)
}
