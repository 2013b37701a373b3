//! What every backend must do, as one suite: [`suite`] runs it on stores that `make` gives, a new empty one each time.
//!
//! SQLite runs it in a file and in memory (`sqlite/tests.rs`); another backend adds one test that calls it.

mod feeds;
mod fixture;
mod kept;
mod projections;

pub(super) use fixture::{Stream, at, fetch, project, refusal, with_bytes};

use super::Store;

/// Every assertion, each on a store of its own.
pub(super) fn suite(make: &dyn Fn() -> Box<dyn Store>) {
    for (name, check) in projections::ALL.iter().chain(kept::ALL).chain(feeds::ALL) {
        let store = make();
        // The suite is one test for each backend, so the name has to be said here.
        let passed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&*store)));
        assert!(passed.is_ok(), "conformance: {name}");
    }
}

type Check = (&'static str, fn(&dyn Store));
