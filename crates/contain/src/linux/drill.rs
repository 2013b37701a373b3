//! Harmless attempts of the drill's probe, each of which says whether the kernel let it happen.

use std::os::fd::FromRawFd as _;

use super::sys::{self, Ending, Side};

/// Whether a ring can be made (and is closed again).
#[expect(unsafe_code, reason = "takes ownership of the descriptor that the call has made")]
pub fn ring() -> bool {
    // 120 bytes of parameters, all zero: the kernel's defaults (io_uring_setup(2)).
    let mut parameters = [0_u64; 16];
    match sys::attempt(libc::SYS_io_uring_setup, [1, parameters.as_mut_ptr() as usize, 0, 0, 0, 0]) {
        Ok(number) => {
            if let Ok(number) = i32::try_from(number) {
                // SAFETY: the kernel has just made it for us.
                drop(unsafe { std::os::fd::OwnedFd::from_raw_fd(number) });
            }
            true
        }
        Err(_) => false,
    }
}

/// Whether the session's keyring can be named (`KEYCTL_GET_KEYRING_ID`, without making one).
pub fn session_keys() -> bool {
    const SESSION: usize = (-3_isize).cast_unsigned();
    match sys::attempt(libc::SYS_keyctl, [0, SESSION, 0, 0, 0, 0]) {
        Ok(_) => true,
        // It was looked for, and there is none.
        Err(why) => why.raw_os_error() == Some(libc::ENOKEY),
    }
}

/// Whether a user namespace can be made, in a process that ends at once.
pub fn user_namespace() -> bool {
    match sys::fork() {
        Ok(Side::Child) => sys::exit(i32::from(sys::unshare(libc::CLONE_NEWUSER).is_err())),
        Ok(Side::Parent(pid)) => matches!(sys::wait(pid), Some((_, Ending::Code(0)))),
        Err(_) => false,
    }
}

/// How many processes there can be besides this one, up to `most`. Each only waits, and all are ended.
pub fn forks(most: usize) -> usize {
    let mut made = Vec::new();
    while made.len() < most {
        match sys::fork() {
            Ok(Side::Child) => {
                let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
                loop {
                    std::thread::park();
                }
            }
            Ok(Side::Parent(pid)) => made.push(pid),
            Err(_) => break,
        }
    }
    for pid in &made {
        if let Some(pid) = rustix::process::Pid::from_raw(*pid) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        sys::wait(*pid);
    }
    made.len()
}

/// Whether that process could be sent a signal. None is sent.
pub fn may_signal(process: i32) -> bool {
    rustix::process::Pid::from_raw(process).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}
