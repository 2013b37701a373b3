//! Proof by doing: from inside, with everything in force, what must fail is tried just before the program starts.
//!
//! A layer that a kernel, a container or a mistake of ours has quietly switched off is seen here, and the run does not
//! start. What was seen goes into the record of the run.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};

use rustix::process::{Resource, getrlimit};

use super::super::sys;
use super::domain;
use super::filter::Sockets;
use crate::run::{Bait, Launch, Layer, Witness};

/// What was tried, one line each: layer, `held` or `open`, and in words.
pub(super) fn attempts(launch: &Launch, sockets: Sockets) -> String {
    let mut lines: Vec<String> = Vec::new();
    for layer in launch.layers.iter() {
        let seen = match layer {
            Layer::Files => files(launch),
            Layer::Network => network(),
            Layer::Processes => processes(),
            Layer::Tripwires => tripwires(launch),
            Layer::Syscalls => syscalls(sockets),
            Layer::Landlock => landlock(),
            Layer::Evidence => Vec::new(),
        };
        for (held, what) in seen {
            lines.push(format!("{layer}\t{}\t{what}", if held { "held" } else { "open" }));
        }
    }
    let (held, what) = privileges(launch.layers.namespaced());
    lines.push(format!("{}\t{}\t{what}", Layer::Syscalls, if held { "held" } else { "open" }));
    for (held, what) in limits(launch) {
        lines.push(format!("{}\t{}\t{what}", Layer::Processes, if held { "held" } else { "open" }));
    }
    lines.join("\n")
}

/// The supervisor's side of [`attempts`].
pub(super) fn read(text: &str) -> Vec<Witness> {
    let line = |line: &str| {
        let mut parts = line.splitn(3, '\t');
        let (layer, held, what) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Witness { layer: Layer::parse(layer)?, held: held == "held", what: what.to_owned() })
    };
    text.lines().filter_map(line).collect()
}

type Seen = (bool, String);

fn refused(what: &str, result: &io::Result<()>, with: &[i32]) -> Seen {
    match result {
        Ok(()) => (false, format!("{what}: succeeded")),
        Err(why) => {
            let number = why.raw_os_error().unwrap_or(0);
            (with.contains(&number), format!("{what}: {}", super::inside::words(number)))
        }
    }
}

fn files(launch: &Launch) -> Vec<Seen> {
    let create = |path: &std::path::Path| {
        std::fs::OpenOptions::new().write(true).create_new(true).open(path.join(".bulkhead-witness")).map(|file| {
            drop(file);
            // It worked, which is the finding; the trace of it goes away again.
            drop(std::fs::remove_file(path.join(".bulkhead-witness")));
        })
    };
    let mut seen = vec![refused("write to /etc", &create(std::path::Path::new("/etc")), &[libc::EROFS])];
    for path in launch.files.protected.iter().filter(|path| path.is_dir()).take(3) {
        // Seen from the work directory: the record names no path of the machine.
        let name = path.strip_prefix(&launch.work_dir).unwrap_or(path);
        // A folder of somebody else's, which is closed to the run besides, says that first.
        let with = &[libc::EROFS, libc::EACCES];
        seen.push(refused(&format!("write to {}", name.display()), &create(path), with));
    }
    seen
}

/// A packet to anywhere would leave from `lo`: the source address that the kernel picks for it is the target itself.
fn network() -> Vec<Seen> {
    let anywhere = Ipv4Addr::new(192, 0, 2, 1);
    let source = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        // Not through the notification: a datagram socket that is bound has no need of connect's permission.
        socket.connect((anywhere, 9))?;
        socket.local_addr()
    });
    match source {
        Ok(address) if address.ip() == anywhere => vec![(true, format!("send to {anywhere}: stays inside"))],
        Ok(address) => vec![(false, format!("send to {anywhere}: would leave from {}", address.ip()))],
        Err(why) => vec![(true, format!("send to {anywhere}: {why}"))],
    }
}

fn processes() -> Vec<Seen> {
    let environment = std::fs::read("/proc/1/environ").map(drop);
    let parent = rustix::process::getppid().map(rustix::process::Pid::as_raw_pid);
    vec![
        (parent == Some(1), format!("see the parent process: it is number {}", parent.unwrap_or(0))),
        refused("read the environment of process 1", &environment, &[libc::EACCES, libc::EPERM]),
    ]
}

fn tripwires(launch: &Launch) -> Vec<Seen> {
    let first = launch.tripwires.iter().find_map(|tripwire| match &tripwire.bait {
        Bait::Folder => Some(tripwire.path.join("witness")),
        Bait::File => Some(tripwire.path.clone()),
        _ => None,
    });
    let Some(path) =
        first.filter(|path| path.symlink_metadata().is_ok() || path.parent().is_some_and(std::path::Path::is_dir))
    else {
        return Vec::new();
    };
    vec![refused("read a credential", &std::fs::read(path).map(drop), &[libc::EACCES])]
}

fn syscalls(sockets: Sockets) -> Vec<Seen> {
    let call = |number, arguments| sys::attempt(number, arguments).map(drop);
    let new_user = usize::try_from(libc::CLONE_NEWUSER).unwrap_or(0);
    let packet = usize::try_from(libc::AF_PACKET).unwrap_or(0);
    let only = &[libc::EPERM];
    let socket = |family: libc::c_int, kind: libc::c_int| {
        let number = |number| usize::try_from(number).unwrap_or(0);
        call(libc::SYS_socket, [number(family), number(kind), 0, 0, 0, 0])
    };
    let mut seen = vec![
        refused("io_uring_setup", &call(libc::SYS_io_uring_setup, [1, 0, 0, 0, 0, 0]), only),
        refused("ptrace", &call(libc::SYS_ptrace, [0; 6]), only),
        refused("keyctl", &call(libc::SYS_keyctl, [0; 6]), only),
        refused("bpf", &call(libc::SYS_bpf, [0; 6]), only),
        refused("unshare a user namespace", &call(libc::SYS_unshare, [new_user, 0, 0, 0, 0, 0]), only),
        refused("open a packet socket", &call(libc::SYS_socket, [packet, 3, 0, 0, 0, 0]), &[libc::EAFNOSUPPORT]),
        refused("type into the terminal", &call(libc::SYS_ioctl, [0, tiocsti(), 0, 0, 0, 0]), only),
    ];
    if !sockets.internet {
        let denied = &[libc::EACCES];
        seen.push(refused("open a datagram socket", &socket(libc::AF_INET, libc::SOCK_DGRAM), denied));
        seen.push(refused("open a TCP socket", &socket(libc::AF_INET6, libc::SOCK_STREAM), denied));
    }
    if !sockets.with_path {
        seen.push(refused("open a Unix socket", &socket(libc::AF_UNIX, libc::SOCK_STREAM), &[libc::EACCES]));
    }
    seen
}

/// That there is an end to processes and memory; that the kernel keeps it is nothing that can be tried in passing.
fn limits(launch: &Launch) -> Vec<Seen> {
    let limits = [
        ("processes", Resource::Nproc, Some(launch.limits.processes)),
        ("memory", Resource::Data, launch.limits.memory),
    ];
    let wanted =
        limits.into_iter().filter_map(|(name, of, most)| Some((name, of, most.filter(|most| *most < u64::MAX)?)));
    let seen = wanted.map(|(name, of, most)| {
        let limit = getrlimit(of).current.unwrap_or(u64::MAX);
        (limit <= most, format!("limit {name}: {limit}"))
    });
    seen.collect()
}

fn tiocsti() -> usize {
    usize::try_from(libc::TIOCSTI).unwrap_or(0)
}

/// Process 1 is of the same user and outside of the domain: only the domain keeps a signal from it (ABI 6).
fn landlock() -> Vec<Seen> {
    let Some(parent) = rustix::process::getppid() else { return Vec::new() };
    let signal = rustix::process::test_kill_process(parent).map_err(io::Error::from);
    if signal.is_ok() && domain::abi() < 6 {
        return vec![(true, "signal the parent process: not judged by this kernel's landlock".to_owned())];
    }
    vec![refused("signal the parent process", &signal, &[libc::EPERM])]
}

/// An ordinary user without a namespace cannot empty the bounding set; then that nothing can be gained from it must do.
fn privileges(namespaced: bool) -> Seen {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap_or_default();
    let none = |name: &str| value(name).bytes().all(|digit| digit == b'0') && !value(name).is_empty();
    let held = none("CapEff:") && none("CapPrm:") && none("CapAmb:") && value("NoNewPrivs:") == "1";
    let empty = none("CapBnd:");
    let bounding = if empty { ", bounding set empty" } else { "" };
    (held && (empty || !namespaced), format!("capabilities none{bounding}, no new privileges"))
}
