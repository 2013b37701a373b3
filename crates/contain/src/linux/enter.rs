//! The order in which a worker shuts itself in.

use std::fs;

use rustix::net::sockopt::socket_peercred;
use rustix::process::{DumpableBehavior, Signal};

use super::{descriptors, landlock, limits, seccomp};
use crate::{ContainError, Enforced, WorkerProfile};

/// Shuts the calling process in, for good: called by the worker on itself, first thing, while it has one thread.
///
/// Afterwards it holds descriptors 0 (the socket to the parent), 1 and 2, and the system calls that reading, computing
/// and answering need. Nothing undoes it. The order matters: every step uses calls that a later one takes away, and the
/// system call filter is last because it takes away all of them.
///
/// # Errors
/// Whatever the profile requires and the kernel does not give. The caller must exit then.
pub fn enter_worker(profile: &WorkerProfile) -> Result<Enforced, ContainError> {
    one_thread()?;
    die_with_parent()?;
    descriptors::close_all_from(3)?;
    rustix::thread::set_no_new_privs(true).map_err(|why| step("forgo new privileges", why))?;
    // Not traceable and no core file: a debugger of the same user cannot steer the worker or read the archive from it.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|why| step("become undumpable", why))?;
    let limits = limits::set(profile)?;
    let landlock = landlock::restrict(profile.landlock)?;
    let seccomp = seccomp::restrict(profile.seccomp)?;

    let mut enforced = Enforced::default();
    for layer in [seccomp, landlock, limits, Enforced::held("no new privileges, not dumpable, dies with its parent")] {
        enforced.in_force.extend(layer.in_force);
        enforced.missing.extend(layer.missing);
    }
    Ok(enforced)
}

/// The filter and the Landlock domain bind the calling thread and its children only: a second thread would stay free.
pub(super) fn one_thread() -> Result<(), ContainError> {
    let threads = fs::read_dir("/proc/self/task")
        .map_err(|why| ContainError::Step { step: "count the process's threads", why: why.to_string() })?
        .count();
    if threads == 1 { Ok(()) } else { Err(ContainError::Threads(threads)) }
}

/// The kernel kills the worker when its parent goes.
///
/// The request counts from now on, so a parent that died before it is looked for afterwards: the socket pair remembers
/// the process that made it.
fn die_with_parent() -> Result<(), ContainError> {
    let parent = socket_peercred(std::io::stdin()).map_err(|why| ContainError::NoParent(why.into()))?.pid;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|why| step("die with the parent", why))?;
    if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(ContainError::ParentGone(parent.as_raw_pid())) }
}

pub(super) fn step(step: &'static str, why: impl ToString) -> ContainError {
    ContainError::Step { step, why: why.to_string() }
}
