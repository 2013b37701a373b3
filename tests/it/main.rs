//! The one integration binary: what a person behind Bulkhead sees, and what an operator fears.

#[path = "../support/mod.rs"]
mod support;

mod harness;
