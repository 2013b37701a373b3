//! The Linux mechanisms. One file per mechanism; [`enter`] puts them in order.

mod descriptors;
pub mod drill;
mod enter;
mod landlock;
mod limits;
mod pass;
mod run;
mod seccomp;
mod sockets;
mod spawn;
mod sys;

pub use enter::enter_worker;
pub use pass::{recv_job, send_job};
pub use run::{Prepared, Running, die_by_signal, lacking, original_destination, recv_dns, send_dns, start};
pub use spawn::{WorkerProcess, spawn_worker};
