//! The one integration binary: what a person behind Bulkhead sees, and what an operator fears.
//!
//! Real clients and the real server; only the registry is a fake, and it can misbehave in every way that we could think of.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod cli;
mod clock;
mod console;
mod crash;
mod delta;
mod doctor;
mod documents;
mod drill;
mod exposure;
mod faults;
mod harness;
mod intake;
mod keyring;
mod ledger;
mod lockfile;
mod oracles;
mod paths;
mod policy;
mod protocol;
mod rejudge;
mod run;
mod run_cargo;
mod run_egress;
mod run_faults;
mod run_secrets;
mod run_terminal;
mod scan;
mod scan_kinds;
mod training;
mod watch;
mod worker;
