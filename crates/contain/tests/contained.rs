//! Containment on the real kernel: a probe shuts itself in and then tries. Each attempt also runs without the layer that
//! must stop it, because an attempt that fails anyway proves nothing.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;

use bulkhead_contain::{Ended, PassError, WorkerProcess, send_job, spawn_worker};
use rustix::process::Signal;

const PROBE: &str = env!("CARGO_BIN_EXE_contain-probe");

#[expect(clippy::disallowed_methods, reason = "the probe in roles that the crate itself never starts")]
fn probe() -> Command {
    Command::new(PROBE)
}

/// What one attempt came to.
struct Try {
    enforced: String,
    outcome: String,
    ended: Ended,
}

impl Try {
    fn signal(&self) -> Option<i32> {
        self.ended.status.and_then(|status| status.signal())
    }

    fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.ended.stderr).into_owned()
    }

    #[track_caller]
    fn killed_by_the_filter(&self) {
        assert_eq!(self.signal(), Some(Signal::SYS.as_raw()), "outcome {:?}, stderr {:?}", self.outcome, self.stderr());
        assert_eq!(self.outcome, "");
    }
}

fn start(arguments: &[&str]) -> (WorkerProcess, UnixStream) {
    spawn_worker(Path::new(PROBE), arguments).expect("the probe starts")
}

fn finish(worker: WorkerProcess, socket: UnixStream) -> Try {
    let mut lines = BufReader::new(socket);
    let (mut enforced, mut outcome) = (String::new(), String::new());
    // A probe that dies with something unread resets the socket; the status tells.
    let _ = lines.read_line(&mut enforced);
    let _ = lines.read_to_string(&mut outcome);
    let status = worker.end();
    Try { enforced: enforced.trim_end().to_owned(), outcome: outcome.trim_end().to_owned(), ended: status }
}

fn attempt_with(layers: &str, memory: &str, cpu: &str, attempt: &str, argument: &str) -> Try {
    let (worker, socket) = start(&[layers, memory, cpu, attempt, argument]);
    finish(worker, socket)
}

fn attempt(layers: &str, what: &str, argument: &str) -> Try {
    attempt_with(layers, "256", "60", what, argument)
}

/// The kernel's Landlock version, asked of the kernel itself and not of the code under test.
fn landlock_abi() -> i64 {
    const VERSION: u32 = 1;
    #[expect(unsafe_code, reason = "an independent probe of the kernel")]
    // SAFETY: with a null pointer, size 0 and this flag the call only returns a number (landlock_create_ruleset(2)).
    unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, VERSION)
    }
}

#[test]
fn what_is_missing_is_what_the_kernel_lacks() {
    let abi = landlock_abi();
    let inside = attempt("all", "nothing", "");
    assert_eq!(inside.outcome, "succeeded");
    let missing = inside.enforced.split_once("; missing: ").map_or("", |(_, missing)| missing).to_owned();
    let expected = match abi {
        ..=0 => "landlock (",
        1..=3 => "landlock for TCP, abstract sockets and signals, path sockets, UDP",
        4..=5 => "landlock for abstract sockets and signals, path sockets, UDP",
        6..=8 => "landlock for path sockets, UDP",
        9 => "landlock for UDP",
        _ => "",
    };
    assert!(
        missing.starts_with(expected) && (abi <= 0 || missing == expected),
        "kernel has ABI {abi}, the worker says: {}",
        inside.enforced
    );
    assert!(inside.enforced.starts_with("in: seccomp list of "), "{}", inside.enforced);
    assert!(inside.enforced.contains("256 MiB memory, 60 s CPU"), "{}", inside.enforced);
}

#[test]
fn a_parser_can_work_inside() {
    let inside = attempt("all", "compute", "");
    assert_eq!(inside.outcome, "succeeded 2000 1 true 0");
    assert_eq!(inside.stderr(), "computed\n");
    assert!(inside.ended.status.expect("a status").success());
}

#[test]
fn a_job_is_read_and_its_file_cannot_be_written() {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(b"an archive").expect("written");
    let reading = std::fs::File::open(file.path()).expect("opens");
    for (layers, outcome) in
        [("all", "the header 10 hive"), ("none", "the header 10 hive\nfailed: Bad file descriptor (os error 9)")]
    {
        let (worker, socket) = start(&[layers, "256", "60", "job"]);
        send_job(&socket, b"the header", &reading).expect("sent");
        let inside = finish(worker, socket);
        assert_eq!(inside.outcome, outcome);
        assert_eq!(inside.signal(), (layers == "all").then_some(Signal::SYS.as_raw()));
    }
    assert_eq!(std::fs::read(file.path()).expect("read"), b"an archive");
}

#[test]
fn files_sockets_and_signals_are_out_of_reach_by_each_layer_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("decoy");
    std::fs::write(&file, "decoy").expect("written");
    let path = directory.path().join("socket");
    let _path_listener = UnixListener::bind(&path).expect("binds");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = tcp.local_addr().expect("an address").port().to_string();
    let name = format!("bulkhead-contain-{}", std::process::id());
    let _abstract_listener =
        UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).expect("a name")).expect("binds");

    // Attempt, argument, the Landlock version that stops it.
    let attempts = [
        ("open", file.to_str().expect("text"), 1),
        ("tcp", &port, 4),
        ("abstract-socket", &name, 6),
        ("signal-parent", "", 6),
        ("path-socket", path.to_str().expect("text"), 9),
    ];
    let abi = landlock_abi();
    let mut unproven = Vec::new();
    for (what, argument, since) in attempts {
        assert_eq!(
            attempt("none", what, argument).outcome,
            "succeeded",
            "{what}: without containment it must succeed, or the rest proves nothing"
        );
        attempt("seccomp", what, argument).killed_by_the_filter();
        attempt("all", what, argument).killed_by_the_filter();
        if abi < since {
            unproven.push(format!("{what} by landlock (needs ABI {since})"));
            continue;
        }
        let inside = attempt("landlock", what, argument);
        assert!(inside.outcome.starts_with("failed: "), "{what}: {}", inside.outcome);
        assert_eq!(inside.signal(), None);
    }
    report_unproven(abi, &unproven);
}

/// Loud, so that a test run on an old kernel does not look like more than it is.
fn report_unproven(abi: i64, unproven: &[String]) {
    if !unproven.is_empty() {
        let _ = writeln!(std::io::stderr(), "NOT PROVEN on this kernel (landlock ABI {abi}): {}", unproven.join(", "));
    }
}

#[test]
fn no_program_thread_tracer_executable_memory_or_other_descriptor() {
    for (what, argument) in [
        ("run", "/bin/true"),
        ("thread", ""),
        ("trace-me", ""),
        ("map-executable", ""),
        ("map-file", ""),
        ("protect-executable", ""),
        ("abort-parent", ""),
        ("write-1", ""),
        ("read-2", ""),
        ("duplicate", ""),
    ] {
        attempt("all", what, argument).killed_by_the_filter();
    }
    // The control: what the filter alone stops does happen without it. (A new process is stopped by its limit too.)
    for what in ["trace-me", "map-executable", "protect-executable", "abort-parent", "write-1", "duplicate"] {
        let free = attempt("none", what, "");
        assert!(free.outcome.starts_with("succeeded"), "{what}: {}", free.outcome);
    }
}

/// The list a second time, on purpose: whoever lengthens it must say so here, too.
const MAY_PASS: &[i64] = &[
    libc::SYS_pread64,
    libc::SYS_fstat,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // With the right descriptor or flags only; those are tried above.
    libc::SYS_read,
    libc::SYS_recvmsg,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_fcntl,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_tgkill,
];

#[test]
fn every_other_system_call_kills() {
    // Past the last number of any kernel yet, and x86-64's second table (x32).
    let numbers = (0..=500).chain([0x4000_0000, 0x4000_0000 | libc::SYS_write]);
    for number in numbers.filter(|number| !MAY_PASS.contains(number)) {
        let inside = attempt("all", "call", &number.to_string());
        let killed = inside.signal() == Some(Signal::SYS.as_raw()) || kernel_trampoline(number, &inside);
        assert!(killed, "system call {number}: {:?}, {}", inside.ended.status, inside.outcome);
    }
}

/// uretprobe and uprobe on x86-64 (Linux 6.11, 6.18) are the kernel's own way back from a probe that root placed: it
/// answers them before it asks filters, with a fault or ENXIO to any caller that is not such a probe.
fn kernel_trampoline(number: i64, inside: &Try) -> bool {
    let refused = inside.signal() == Some(Signal::ILL.as_raw()) || inside.outcome.contains("(os error 6)");
    cfg!(target_arch = "x86_64") && matches!(number, 335 | 336) && refused
}

#[test]
fn memory_has_a_limit() {
    assert_eq!(attempt_with("all", "256", "60", "allocate", "100").outcome, "succeeded with 100");
    let inside = attempt_with("all", "64", "60", "allocate", "100");
    assert_eq!((inside.outcome.as_str(), inside.signal()), ("", Some(Signal::ABORT.as_raw())));
    assert!(inside.stderr().contains("memory allocation of 1048576 bytes failed"), "{}", inside.stderr());
}

#[test]
fn cpu_time_has_a_limit() {
    let inside = attempt_with("all", "64", "1", "spin", "");
    assert_eq!(inside.signal(), Some(Signal::KILL.as_raw()));
}

#[test]
fn a_panic_and_a_stack_overflow_end_the_worker_and_say_why() {
    let inside = attempt("all", "panic", "");
    assert!(inside.stderr().contains("on purpose"), "{}", inside.stderr());
    assert!(!inside.ended.status.expect("a status").success());
    let inside = attempt("all", "overflow", "");
    assert!(inside.signal().is_some(), "{:?}", inside.ended.status);
    assert_eq!(inside.outcome, "");
}

#[test]
fn inherited_descriptors_are_closed() {
    let leaked = std::fs::File::open("/dev/null").expect("opens");
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).expect("no longer close-on-exec");
    let inside = attempt("all", "descriptors", "");
    let (before, after) = inside.outcome.split_once(", then ").expect("two lists");
    assert!(before.contains(&format!(" {}", leaked.as_raw_fd())), "the descriptor was not inherited: {before}");
    assert_eq!(after, "succeeded [0, 1, 2]");
}

#[test]
fn a_worker_does_not_outlive_its_parent() {
    let parent = probe().arg("parent").output().expect("runs");
    assert_eq!(parent.status.signal(), Some(Signal::KILL.as_raw()));
    let id: i32 = String::from_utf8(parent.stdout).expect("text").trim().parse().expect("a process id");
    let id = rustix::process::Pid::from_raw(id).expect("a process id");
    match rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty()) {
        // Gone, and reaped by whoever inherits orphans.
        Err(why) => assert_eq!(why, rustix::io::Errno::SRCH),
        Ok(process) => {
            // Readable when it has ended. It spins for 60 s otherwise.
            let mut wait = [rustix::event::PollFd::new(&process, rustix::event::PollFlags::IN)];
            let limit = rustix::event::Timespec { tv_sec: 20, tv_nsec: 0 };
            assert_eq!(rustix::event::poll(&mut wait, Some(&limit)), Ok(1), "the worker still runs");
        }
    }
}

#[test]
fn nobody_starts_a_worker_by_hand() {
    let by_hand =
        probe().args(["all", "64", "1", "nothing"]).stdin(std::process::Stdio::null()).output().expect("runs");
    assert_eq!(by_hand.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&by_hand.stderr).contains("never by hand"), "{:?}", by_hand.stderr);
}

#[test]
fn a_job_goes_over_the_socket_whole_or_not_at_all() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let reading = std::fs::File::open(file.path()).expect("opens");
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let too_long = vec![b' '; PassError::MAX_HEADER + 1];
    assert!(matches!(send_job(&ours, &too_long, &reading), Err(PassError::HeaderSize(_))));
    assert!(matches!(send_job(&ours, b"", &reading), Err(PassError::HeaderSize(0))));
    assert!(matches!(send_job(&ours, b"x", file.as_file()), Err(PassError::Writable)));

    let longest = &too_long[1..];
    send_job(&ours, longest, &reading).expect("sent");
    send_job(&ours, b"second", &reading).expect("sent");
    assert_eq!(bulkhead_contain::recv_job(&theirs).expect("whole").expect("a job").header, longest);
    assert_eq!(bulkhead_contain::recv_job(&theirs).expect("whole").expect("a job").header, b"second");

    (&ours).write_all(&[4, 0, 0, 0, b'f', b'o', b'u', b'r']).expect("written");
    assert!(matches!(bulkhead_contain::recv_job(&theirs), Err(PassError::NotOneFile)));
    drop(ours);
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    (&ours).write_all(&[4, 0]).expect("written");
    assert!(matches!(bulkhead_contain::recv_job(&theirs), Err(PassError::Truncated)));
    drop(ours);
    assert!(bulkhead_contain::recv_job(&theirs).expect("the end").is_none());
}
