//! The worker: the one process in which hostile archives are unpacked and parsed, under our own containment
//! (DESIGN.md, invariant 6). This module is both ends of it.
//!
//! The gate holds a [`Pool`]. Each worker in it is this same program, started as `bulkhead worker`, which runs
//! [`child::run`]: it shuts itself in, says what is in force, and then takes one open file at a time and answers with a
//! report. The gate trusts none of the answer: it is bounded, parsed as a stranger's, and checked against what the gate
//! knows itself. A worker that crashes, hangs or answers nonsense is replaced, and the archive it died of is unreadable,
//! which the shipped policy refuses.

pub mod child;

mod check;
mod end;
mod keeper;
mod pool;
mod seats;
mod wire;

#[cfg(test)]
mod tests;

pub use pool::{Pool, PoolOptions};
