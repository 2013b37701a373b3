//! The gates.

pub mod intake;
