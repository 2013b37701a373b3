//! Containment of processes, with what the kernel offers to an ordinary user: no root, no set-uid program, no daemon.
//!
//! One thing is contained so far, the **worker**: the process that unpacks and parses hostile archives (DESIGN.md,
//! invariant 6). Its parent starts it with [`spawn_worker`] over a socket pair; it shuts itself in with
//! [`enter_worker`], for good, before it sees a hostile byte; then it takes one open file per job with [`recv_job`],
//! sent by [`send_job`], and can do nothing but read that file, think, and answer on its socket.
//!
//! Linux only. Elsewhere every entry point refuses and says what to do, because a worker that runs uncontained in
//! silence would break the invariant that it exists for.

mod heap;
pub mod net;
mod profile;
mod run;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::drill;
#[cfg(target_os = "linux")]
pub use linux::{
    Prepared, Running, WorkerProcess, die_by_signal, enter_worker, lacking, original_destination, recv_dns, recv_job,
    send_dns, send_job, spawn_worker, start,
};

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub use other::{
    Prepared, Running, WorkerProcess, die_by_signal, enter_worker, lacking, original_destination, recv_dns, recv_job,
    send_dns, send_job, spawn_worker, start,
};

pub use heap::keep_small;
pub use profile::{ContainError, Ended, Enforced, Job, Need, PassError, WorkerProfile};
pub use run::{
    Answer, Bait, FileRules, Launch, Layer, Layers, Place, RunAs, RunEnd, RunLimits, Seen, Target, Tripwire, Watcher,
    What, Who, Witness,
};
