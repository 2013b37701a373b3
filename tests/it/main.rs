//! The one integration binary: what a person behind Bulkhead sees, and what an operator fears.
//!
//! Real clients and the real server; only the registry is a fake, and it can misbehave in every way that we could think of.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod cli;
mod crash;
mod documents;
mod drill;
mod faults;
mod harness;
mod intake;
mod lockfile;
mod paths;
mod policy;
mod protocol;
mod run;
