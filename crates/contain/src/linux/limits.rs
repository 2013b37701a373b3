//! Resource limits: what a bomb can use up is counted in advance.

use rustix::process::{Resource, Rlimit, setrlimit};

use super::enter::step;
use crate::{ContainError, Enforced, WorkerProfile};

/// Sets hard limits, which an unprivileged process cannot raise again. Returns their description.
pub(super) fn set(profile: &WorkerProfile) -> Result<Enforced, ContainError> {
    let hard = [
        (Resource::Data, profile.memory, "limit memory"),
        (Resource::As, profile.memory.saturating_add(WorkerProfile::MAPPED_ON_TOP), "limit address space"),
        (Resource::Cpu, profile.cpu_seconds, "limit CPU time"),
        (Resource::Nofile, WorkerProfile::OPEN_FILES, "limit open files"),
        (Resource::Nproc, 0, "forbid new processes"),
        (Resource::Fsize, 0, "forbid writing files"),
        (Resource::Core, 0, "forbid core files"),
        (Resource::Memlock, 0, "forbid locked memory"),
        (Resource::Msgqueue, 0, "forbid message queues"),
    ];
    for (resource, limit, verb) in hard {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) }).map_err(|why| step(verb, why))?;
    }
    Ok(Enforced::held(format!("{} MiB memory, {} s CPU", profile.memory >> 20, profile.cpu_seconds)))
}
