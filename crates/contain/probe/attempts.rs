//! What the probe tries. Each says `succeeded ...` or `failed: why`; none does harm when it succeeds.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;

type Outcome = Result<String, std::io::Error>;

pub(crate) fn run(attempt: &str, argument: &str) -> String {
    match attempt_one(attempt, argument) {
        Ok(what) => format!("succeeded {what}"),
        Err(why) => format!("failed: {why}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "these are the things that must fail")]
fn attempt_one(attempt: &str, argument: &str) -> Outcome {
    let number = || argument.parse::<i64>().expect("a number");
    match attempt {
        "nothing" => Ok(String::new()),
        "compute" => Ok(compute()),
        "job" => job(),
        "open" => File::open(argument).map(|_| String::new()),
        "tcp" => TcpStream::connect(("127.0.0.1", u16::try_from(number()).expect("a port"))).map(|_| String::new()),
        "path-socket" => UnixStream::connect(argument).map(|_| String::new()),
        "abstract-socket" => {
            UnixStream::connect_addr(&SocketAddr::from_abstract_name(argument)?).map(|_| String::new())
        }
        "run" => Command::new(argument).status().map(|status| status.to_string()),
        "thread" => std::thread::Builder::new().spawn(|| ()).map(|_| String::new()),
        // Signal 0 asks for permission and delivers nothing; Landlock judges it like any other.
        "signal-parent" => Ok(rustix::process::test_kill_process(rustix::process::getppid().expect("a parent"))?)
            .map(|()| String::new()),
        "descriptors" => Ok(descriptors()),
        "call" => call(number(), [0; 6]),
        "write-1" => call(libc::SYS_write, [1, 0, 0, 0, 0, 0]),
        "read-2" => call(libc::SYS_read, [2, 0, 0, 0, 0, 0]),
        "duplicate" => call(libc::SYS_fcntl, [0, libc::F_DUPFD.into(), 0, 0, 0, 0]),
        "abort-parent" => call(libc::SYS_tgkill, [parent(), parent(), 0, 0, 0, 0]),
        "map-executable" => {
            call(libc::SYS_mmap, [0, 4096, (libc::PROT_READ | libc::PROT_EXEC).into(), ANONYMOUS, -1, 0])
        }
        "map-file" => call(libc::SYS_mmap, [0, 4096, libc::PROT_READ.into(), libc::MAP_PRIVATE.into(), 0, 0]),
        "protect-executable" => call(libc::SYS_mprotect, [0, 0, libc::PROT_EXEC.into(), 0, 0, 0]),
        "trace-me" => call(libc::SYS_ptrace, [0; 6]),
        "allocate" => Ok(allocate(usize::try_from(number()).expect("MiB"))),
        "spin" => spin(),
        "panic" => panic!("on purpose"),
        "overflow" => Ok(deeper(0).to_string()),
        other => panic!("no such attempt: {other}"),
    }
}

const ANONYMOUS: i64 = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as i64;

fn parent() -> i64 {
    rustix::process::getppid().expect("a parent").as_raw_pid().into()
}

fn call(number: i64, [a, b, c, d, e, f]: [i64; 6]) -> Outcome {
    #[expect(unsafe_code, reason = "the test is about raw system calls")]
    // SAFETY: as far as this goes the filter kills before the call happens. Without it, zeros and the harmless arguments above give
    // null pointers to the kernel, which answers EFAULT, and no mapping that Rust relies on is touched.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result == -1 { Err(std::io::Error::last_os_error()) } else { Ok(format!("with {result}")) }
}

/// What a parser does all day: must work inside.
fn compute() -> String {
    let start = Instant::now();
    let mut words: HashMap<String, Vec<u8>> = HashMap::new();
    for index in 0..2_000_usize {
        words.insert(format!("word {index}"), vec![0; index * 16]);
    }
    let mut sizes: Vec<usize> = words.values().map(Vec::len).collect();
    sizes.sort_unstable();
    let mut large = vec![1_u8; 64 << 20];
    large.extend_from_slice(&[2; 4096]);
    large.truncate(1);
    large.shrink_to_fit();
    let caught = std::panic::catch_unwind(|| std::thread::current().name().map(str::to_owned));
    std::thread::yield_now();
    let _ = std::io::stderr().write_all(b"computed\n");
    format!("{} {} {:?} {}", sizes.len(), large.len(), caught.is_ok(), start.elapsed().as_secs())
}

/// Takes one job, reads its file at two places, and then tries to write into it.
fn job() -> Outcome {
    let job = bulkhead_contain::recv_job(std::io::stdin()).expect("a job").expect("not the end");
    let length = rustix::fs::fstat(&job.file)?.st_size;
    let mut tail = [0; 4];
    job.file.read_exact_at(&mut tail, u64::try_from(length).expect("a size") - 4)?;
    let said = format!("{} {length} {}", String::from_utf8_lossy(&job.header), String::from_utf8_lossy(&tail));
    rustix::io::write(std::io::stdin().as_fd(), format!("{said}\n").as_bytes())?;
    (&job.file).write_all(b"overwritten")?;
    Ok(String::new())
}

/// Numbers of the open descriptors, found without opening anything.
pub(crate) fn descriptors() -> String {
    let open = |&number: &i32| {
        #[expect(unsafe_code, reason = "asks about descriptors that nothing here owns")]
        // SAFETY: used for F_GETFD only, which changes nothing and answers EBADF for a closed one.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        rustix::io::fcntl_getfd(descriptor).is_ok()
    };
    format!("{:?}", (0..1024).filter(open).collect::<Vec<_>>())
}

/// Takes memory in pieces of 1 MiB and writes to each, as a bomb does.
fn allocate(mebibytes: usize) -> String {
    let taken: Vec<Vec<u8>> =
        (0..mebibytes).map(|piece| vec![u8::try_from(piece % 255).expect("small") + 1; 1 << 20]).collect();
    format!("with {}", taken.len())
}

fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

fn deeper(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 512]);
    if depth == u64::MAX { 0 } else { deeper(depth + 1) + room[usize::try_from(depth % 512).expect("small")] }
}

/// A parent that ends without ending its worker: prints the worker's process id once that is shut in, then kills itself.
pub(crate) fn leave_a_worker_behind() {
    let own = Path::new("/proc/self/exe");
    let (worker, mut socket) = bulkhead_contain::spawn_worker(own, &["all", "256", "60", "spin"]).expect("a worker");
    let mut hello = [0; 3];
    socket.read_exact(&mut hello).expect("the worker is in");
    let mut out = std::io::stdout();
    writeln!(out, "{}", worker.id()).expect("somebody reads");
    out.flush().expect("somebody reads");
    rustix::process::kill_process(rustix::process::getpid(), Signal::KILL).expect("may kill itself");
}
