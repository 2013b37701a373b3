//! What this machine lacks for a full run, found by doing it in a process that is thrown away. Never by asking a setting:
//! containers and security modules refuse what every setting allows.

use super::super::enter::one_thread;
use super::super::sys::{self, Ending, Side};
use super::{filter, mounts, user};
use crate::run::{Layer, Layers};

/// Names of what is missing, as `--accept-degraded` takes them. Empty when nothing is, or when it cannot be tried because the
/// process has several threads.
pub fn lacking() -> Vec<&'static str> {
    if one_thread().is_err() {
        return Vec::new();
    }
    match sys::fork() {
        Ok(Side::Child) => sys::exit(i32::from(missing())),
        Ok(Side::Parent(pid)) => match sys::wait(pid) {
            Some((_, Ending::Code(bits))) => {
                let is_set = |(bit, _): &(usize, &'static str)| bits & (1 << bit) != 0;
                Layer::KERNEL.into_iter().enumerate().filter(is_set).map(|(_, name)| name).collect()
            }
            _ => Layer::KERNEL.to_vec(),
        },
        Err(_) => Layer::KERNEL.to_vec(),
    }
}

fn missing() -> u8 {
    let mut missing = 0;
    let mut note = |name: &str, there: bool| {
        if !there && let Some(bit) = Layer::KERNEL.iter().position(|known| *known == name) {
            missing |= 1 << bit;
        }
        there
    };
    const NOBODY: u32 = 65_534;
    let root = rustix::process::geteuid().is_root();
    let fuse = root.then(user::open_fuse_for_all).and_then(Result::ok);
    if root && sys::become_user(NOBODY, NOBODY).is_err() {
        return u8::MAX;
    }
    let user = note("userns", user::enter_namespaces(Layers::NONE).is_ok());
    let mounted = user && sys::unshare(libc::CLONE_NEWNS).is_ok() && mounts::make_private().is_ok();
    note("mountns", mounted);
    note("netns", user && sys::unshare(libc::CLONE_NEWNET).is_ok());
    note("fuse", mounted && user::open_fuse(fuse.as_ref()).is_ok());
    const VERSION: usize = 1;
    let landlock = sys::attempt(libc::SYS_landlock_create_ruleset, [0, 0, VERSION, 0, 0, 0]);
    note("landlock", landlock.is_ok_and(|abi| abi >= 1));
    let processes = mounted && sys::unshare(libc::CLONE_NEWPID).is_ok() && shows_own_processes();
    note("pidns", processes);
    let filtered = rustix::thread::set_no_new_privs(true).is_ok() && sys::seccomp(&filter::program(true), true).is_ok();
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
