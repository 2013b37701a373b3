//! `cargo xtask test`: the README's second command, and all that CI runs.

use anyhow::Result;

use crate::{budget, clients, deny, run, tidy};

/// Installs what the tests drive, then runs every check and every test; the test runner's own summary comes last.
/// With a filter, only the tests whose names contain it.
///
/// One cargo at a time: two of them would wait for each other's lock on the build folder.
pub(crate) fn all(filter: &[&str]) -> Result<()> {
    clients::install()?;
    if filter.is_empty() {
        tidy::all()?;
        run::cargo(&["fmt", "--all", "--check"])?;
        run::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
        budget::check()?;
        deny::check()?;
        // The compile-fail examples prove that a permit cannot be forged; nextest does not run examples in documents.
        run::cargo(&["test", "--workspace", "--doc"])?;
    }
    if run::cargo_output(&["nextest", "--version"]).is_ok() {
        run::cargo(&[&["nextest", "run", "--workspace", "--no-fail-fast"], filter].concat())
    } else {
        println!("\n(cargo-nextest is not installed: `cargo test` runs the tests, only slower)");
        run::cargo(&[&["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests", "--"], filter].concat())
    }
}
