//! The Linux mechanisms. One file per mechanism; [`enter`] puts them in order.

mod descriptors;
mod enter;
mod landlock;
mod limits;
mod pass;
mod seccomp;
mod spawn;

pub use enter::enter_worker;
pub use pass::{recv_job, send_job};
pub use spawn::{WorkerProcess, spawn_worker};
