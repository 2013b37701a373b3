//! The gates.

pub mod egress;
pub mod intake;
pub mod runtime;
