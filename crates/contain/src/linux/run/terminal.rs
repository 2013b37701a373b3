//! The terminal, where a run has one to itself: the program gets a process group of its own, and the terminal with it.
//!
//! The job that the shell started is a group whose number does not exist in the run's process namespace. A shell inside
//! could not give the terminal back to where it came from, and its jobs would fail. So the program leads a group, as it
//! would have without a supervisor; the supervisor stops when the program does, and goes on with it.

use std::io::{self, stdin, stdout};

use rustix::process::{Pid, Signal};
use rustix::termios::{isatty, tcgetpgrp, tcsetpgrp};

use super::super::sys;

/// What the supervisor says with the word to start. Nobody else can tell: in the run's namespace the job has no number.
pub(super) const YOURS: &str = "terminal";

/// Whether this process has the terminal to itself: in front, and no part of a pipe, whose other programs would lose it.
pub(super) fn is_ours() -> bool {
    let ours = rustix::process::getpgrp();
    isatty(stdin())
        && isatty(stdout())
        && ours == rustix::process::getpid()
        && tcgetpgrp(stdin()).is_ok_and(|front| front == ours)
}

/// The program's own process, before it is the program: leads a group, and takes the terminal.
pub(super) fn take() -> io::Result<()> {
    rustix::process::setpgid(None, None)?;
    give(rustix::process::getpid())
}

/// Puts a group in front, from wherever we are.
pub(super) fn give(group: Pid) -> io::Result<()> {
    // Who is not in front is stopped for this, unless it ignores that.
    sys::disposition(libc::SIGTTOU, true);
    let given = tcsetpgrp(stdin(), group);
    sys::disposition(libc::SIGTTOU, false);
    Ok(given?)
}

/// The program has stopped: so do we, that the shell may have the terminal. Returns when somebody has us go on.
pub(super) fn stop_along(program: Pid) {
    let ours = rustix::process::getpgrp();
    // Where it fails, the terminal is gone, and there is nobody to give it to.
    drop(give(ours));
    let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::STOP);
    if tcgetpgrp(stdin()).is_ok_and(|front| front == ours) {
        drop(give(program));
    }
    let _ = rustix::process::kill_process_group(program, Signal::CONT);
}
