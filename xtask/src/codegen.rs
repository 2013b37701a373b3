//! `cargo xtask codegen`: writes the generated documents anew.
//!
//! The generator lives in tests/it (module `documents`), where the product's own tables are at hand: the same code
//! that writes a document checks in every test run that it is current.

use anyhow::Result;

use crate::run;

/// The variable that turns the check into a writer.
const WRITE: &str = "BULKHEAD_WRITE_DOCUMENTS";

pub(crate) fn write() -> Result<()> {
    let mut command = run::cargo_command(&["test", "--quiet", "--package", "it", "--test", "it", "documents::"]);
    run::pass_through(command.env(WRITE, "1"), "writing the generated documents")
}
