//! What this machine lacks for a full run, found by doing it in a process that is thrown away. Never by asking a setting:
//! containers and security modules refuse what every setting allows.

use std::os::fd::OwnedFd;

use super::super::enter::one_thread;
use super::super::sys::{self, Ending, Side};
use super::{domain, filter, mounts, user};
use crate::run::{Layer, Layers};

/// Names of what is missing, as `--accept-degraded` takes them. Empty when nothing is, or when it cannot be tried because the
/// process has several threads.
pub fn lacking() -> Vec<&'static str> {
    if one_thread().is_err() {
        return Vec::new();
    }
    tried().unwrap_or_else(|| Layer::KERNEL.to_vec())
}

/// `None` when the trying itself fails.
fn tried() -> Option<Vec<&'static str>> {
    let (ours, theirs) = rustix::pipe::pipe().ok()?;
    let pid = match sys::fork().ok()? {
        Side::Child => {
            drop(ours);
            sys::exit(i32::from(say(&theirs, &missing()).is_none()))
        }
        Side::Parent(pid) => pid,
    };
    drop(theirs);
    // One write, and smaller than a pipe: what is there is all of it.
    let mut names = [0; 512];
    let got = rustix::io::read(&ours, &mut names).ok()?;
    let names = std::str::from_utf8(names.get(..got)?).ok()?;
    let known = |name: &'static str| names.split(' ').any(|missing| missing == name).then_some(name);
    matches!(sys::wait(pid), Some((_, Ending::Code(0)))).then(|| Layer::KERNEL.into_iter().filter_map(known).collect())
}

fn say(to: &OwnedFd, missing: &[&str]) -> Option<()> {
    // Never empty: an end without a word is no answer.
    let text = format!("missing {}", missing.join(" "));
    (rustix::io::write(to, text.as_bytes()).ok()? == text.len()).then_some(())
}

fn missing() -> Vec<&'static str> {
    let mut missing = Vec::new();
    let mut note = |name: &'static str, there: bool| {
        if !there {
            missing.push(name);
        }
        there
    };
    const NOBODY: u32 = 65_534;
    let root = rustix::process::geteuid().is_root();
    let fuse = root.then(user::open_fuse_for_all).and_then(Result::ok);
    if root && sys::become_user(NOBODY, NOBODY).is_err() {
        return Layer::KERNEL.to_vec();
    }
    let user = note("userns", user::enter_namespaces(Layers::NONE).is_ok());
    let mounted = user && sys::unshare(libc::CLONE_NEWNS).is_ok() && mounts::make_private().is_ok();
    note("mountns", mounted);
    note("namespaces", user && sys::unshare(libc::CLONE_NEWIPC | libc::CLONE_NEWUTS).is_ok());
    let network = note("netns", user && sys::unshare(libc::CLONE_NEWNET).is_ok());
    note("fuse", mounted && user::open_fuse(fuse.as_ref()).is_ok());
    let abi = domain::abi();
    if note("landlock", abi >= 1) {
        for right in domain::RIGHTS.iter().filter(|right| !network || right.always) {
            note(right.name, abi >= right.since);
        }
    }
    let processes = mounted && sys::unshare(libc::CLONE_NEWPID).is_ok() && shows_own_processes();
    note("pidns", processes);
    let filtered = rustix::thread::set_no_new_privs(true).is_ok()
        && sys::seccomp(&filter::program(true, filter::Sockets::ALL), true).is_ok();
    note("seccomp", filtered);
    missing
}

/// Only the first process of a namespace can mount its `/proc`, and only where nothing of the outer one is masked.
fn shows_own_processes() -> bool {
    match sys::fork() {
        Ok(Side::Child) => sys::exit(i32::from(mounts::processes().is_err())),
        Ok(Side::Parent(pid)) => matches!(sys::wait(pid), Some((_, Ending::Code(0)))),
        Err(_) => false,
    }
}
