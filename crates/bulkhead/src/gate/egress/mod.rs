//! The egress gate: between programs and the network. What a run may reach, by host name, method and path.

pub mod broker;
pub mod ca;
pub mod dial;
pub mod dns;
mod fuzz;
pub mod hello;
pub mod host;
pub mod inside;
pub mod judge;
mod lanes;
pub mod names;
pub mod proxy;
pub mod supervise;

#[doc(hidden)]
pub use fuzz::{fuzz_answer, fuzz_dns, fuzz_hello, fuzz_host};
