//! Evidence: who opens what for writing, who connects where. The kernel asks before the call, is told to go on, and the
//! question is written down.
//!
//! Path and address stand in the asker's memory, and another of its threads may change them between the question and the
//! call. So nothing is ever decided here: mounts, namespaces and the filter decide. (That is the mistake to avoid with
//! this interface, see seccomp_unotify(2).) Sockets of the wrong kind were decided on by the filter, from registers: of those
//! every question is a refusal already, which only waits to be written down.

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags, ResolveFlags, StatVfsMountFlags};

use super::super::sys;
use crate::run::{Target, What, Who};

/// Answers until every process of the run is gone.
pub(super) fn serve(listener: &OwnedFd, tell: &dyn Fn(u32, What)) {
    loop {
        let mut waits = [PollFd::new(listener, PollFlags::IN)];
        if rustix::event::poll(&mut waits, None).is_err() {
            continue;
        }
        let events = waits[0].revents();
        if !events.contains(PollFlags::IN) {
            if events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                return;
            }
            continue;
        }
        // Fails when the asker was killed between the poll and this.
        let Ok(asked) = sys::notification(listener.as_fd()) else { continue };
        let what = describe(asked.pid, &asked.data);
        if sys::still_waits(listener.as_fd(), asked.id)
            && let Some(what) = what
        {
            tell(asked.pid, what);
        }
        let socket = libc::c_long::from(asked.data.nr) == libc::SYS_socket;
        drop(match socket {
            true => sys::refuse(listener.as_fd(), asked.id, libc::EACCES),
            false => sys::let_go_on(listener.as_fd(), asked.id),
        });
    }
}

fn describe(pid: u32, data: &libc::seccomp_data) -> Option<What> {
    let process = i32::try_from(pid).ok()?;
    let number = libc::c_long::from(data.nr);
    // The kernel's type of a descriptor is 32 bits wide: it ignores the upper half, and so does this.
    let folder = |argument: usize| data.args[argument] as u32 as i32;
    match number {
        libc::SYS_openat => write(process, folder(0), data.args[1]),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_open | libc::SYS_creat => write(process, libc::AT_FDCWD, data.args[0]),
        libc::SYS_connect => contact(process, folder(0), data.args[1], data.args[2]),
        libc::SYS_socket => Some(What::Socket { kind: kind(data.args[0], data.args[1]) }),
        libc::SYS_sendto => contact(process, folder(0), data.args[4], data.args[5]),
        _ => None,
    }
}

/// A refused socket, as people call it.
fn kind(family: u64, kind: u64) -> String {
    // As the kernel reads them: 32 bits, and flags above the kind.
    let (family, kind) = (family as u32 as i32, (kind & 0xf) as i32);
    let kind = match kind {
        libc::SOCK_STREAM => "stream",
        libc::SOCK_DGRAM => "datagram",
        libc::SOCK_RAW => "raw",
        _ => "other",
    };
    let family = match family {
        libc::AF_UNIX => "unix",
        libc::AF_INET6 => "IPv6",
        _ => "IPv4",
    };
    format!("{kind} {family} socket")
}

fn contact(process: i32, socket: i32, at: u64, length: u64) -> Option<What> {
    let to = target(process, at, length)?;
    // Only where it tells something: a Unix socket is what its address says.
    let datagram = matches!(to, Target::Internet(_)) && is_datagram(process, socket).unwrap_or(false);
    let answered = match &to {
        Target::Internet(address) if address.ip().is_loopback() => listens(process, *address, datagram).unwrap_or(true),
        _ => true,
    };
    Some(What::Connect { to, datagram, answered })
}

/// Whether anything in the run's own network has that port: what services of the machine listen on is not there.
fn listens(process: i32, address: SocketAddr, datagram: bool) -> io::Result<bool> {
    // proc(5): local address as `ADDRESS:PORT` in hexadecimal, and for TCP the state, of which 0A is listening.
    let port = format!(":{:04X}", address.port());
    let tables = if datagram { ["udp", "udp6"] } else { ["tcp", "tcp6"] };
    for table in tables {
        let text = std::fs::read_to_string(format!("/proc/{process}/net/{table}"))?;
        let here = |line: &str| {
            let mut fields = line.split_whitespace().skip(1);
            let (local, state) = (fields.next().unwrap_or_default(), fields.nth(1).unwrap_or_default());
            local.ends_with(&port) && (datagram || state == "0A")
        };
        if text.lines().any(here) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_datagram(process: i32, socket: i32) -> io::Result<bool> {
    // The asker is a thread; descriptors are had through the thread that its process is named after.
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let leader = status.lines().find_map(|line| line.strip_prefix("Tgid:")).and_then(|id| id.trim().parse().ok());
    let copy = sys::descriptor_of(sys::pidfd(leader.unwrap_or(process))?.as_fd(), socket)?;
    Ok(rustix::net::sockopt::socket_type(&copy)? != rustix::net::SocketType::STREAM)
}

fn write(process: i32, folder: i32, at: u64) -> Option<What> {
    let claimed = text(process, at)?;
    let path = if claimed.is_absolute() {
        claimed
    } else {
        let base = match folder {
            libc::AT_FDCWD => std::fs::read_link(format!("/proc/{process}/cwd")),
            number => std::fs::read_link(format!("/proc/{process}/fd/{number}")),
        };
        base.ok()?.join(claimed)
    };
    let refused = is_read_only(process, &path).unwrap_or(false);
    Some(What::Write { path, refused })
}

/// Whether the path, or the folder that it would be made in, is on a read-only mount, seen from the process's own root.
fn is_read_only(process: i32, path: &Path) -> io::Result<bool> {
    let root = File::open(format!("/proc/{process}/root"))?;
    let how = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let open = |path: &Path| {
        let inside = path.strip_prefix("/").unwrap_or(path);
        let inside = if inside.as_os_str().is_empty() { Path::new(".") } else { inside };
        rustix::fs::openat2(&root, inside, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), how)
    };
    let found = match open(path) {
        Err(rustix::io::Errno::NOENT) => open(path.parent().unwrap_or(path)),
        other => other,
    }?;
    let device = rustix::fs::fstat(&found).is_ok_and(|stat| {
        !matches!(
            rustix::fs::FileType::from_raw_mode(stat.st_mode),
            rustix::fs::FileType::RegularFile | rustix::fs::FileType::Directory
        )
    });
    Ok(!device && rustix::fs::fstatvfs(&found)?.f_flag.contains(StatVfsMountFlags::RDONLY))
}

fn text(process: i32, at: u64) -> Option<PathBuf> {
    const LONGEST: usize = 4096;
    let mut bytes = Vec::new();
    // Page by page: what follows the last page of the text may not be there.
    while bytes.len() < LONGEST {
        let position = at.checked_add(bytes.len() as u64)?;
        let to_page_end = 4096 - usize::try_from(position % 4096).ok()?;
        let mut piece = [0; 4096];
        let got = sys::read_memory(process, position, &mut piece[..to_page_end]).ok()?;
        if let Some(end) = piece[..got].iter().position(|byte| *byte == 0) {
            bytes.extend_from_slice(&piece[..end]);
            return Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)));
        }
        if got == 0 {
            return None;
        }
        bytes.extend_from_slice(&piece[..got]);
    }
    None
}

fn target(process: i32, at: u64, length: u64) -> Option<Target> {
    let mut bytes = [0; 128];
    let length = usize::try_from(length).ok()?.min(bytes.len());
    let got = sys::read_memory(process, at, &mut bytes[..length]).ok()?;
    let address = &bytes[..got];
    let family = i32::from(u16::from_ne_bytes(address.get(..2)?.try_into().ok()?));
    let port = || Some(u16::from_be_bytes(address.get(2..4)?.try_into().ok()?));
    match family {
        libc::AF_INET => {
            let ip: [u8; 4] = address.get(4..8)?.try_into().ok()?;
            Some(Target::Internet(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(ip)), port()?)))
        }
        libc::AF_INET6 => {
            let ip: [u8; 16] = address.get(8..24)?.try_into().ok()?;
            Some(Target::Internet(SocketAddr::new(IpAddr::V6(Ipv6Addr::from(ip)), port()?)))
        }
        libc::AF_UNIX if address.get(2) == Some(&0) => {
            Some(Target::Abstract(String::from_utf8_lossy(address.get(3..)?).into_owned()))
        }
        libc::AF_UNIX => {
            let path = address.get(2..)?.split(|byte| *byte == 0).next()?.to_vec();
            Some(Target::Path(PathBuf::from(std::ffi::OsString::from_vec(path))))
        }
        _ => None,
    }
}

/// Whether that is a thread of this very process.
pub(super) fn is_own(thread: u32) -> bool {
    Path::new("/proc/self/task").join(thread.to_string()).exists()
}

/// What a process is, as far as it can be said while it waits for an answer.
pub(super) fn who(pid: u32) -> Who {
    let command = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    Who { pid, command: command.trim_end().to_owned(), exe }
}
