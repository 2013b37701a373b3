//! What may be named in one place only, so that the rest of the product cannot do it.

use anyhow::Result;

use super::source;
use crate::repository::File;

const SOURCES: &str = "crates/bulkhead/src/";

/// A name, the files below `crates/bulkhead/src` that may use it (by the beginning of their path), and why.
const ONLY_IN: &[(&str, &[&str], &str)] = &[
    // The wire asks only what kind of archive a name stands for, and gives no bytes.
    (
        "detect::inspect",
        &["worker/child.rs", "worker/wire.rs"],
        "hostile bytes are read in the contained worker only (invariant 6)",
    ),
    ("rusqlite", &["store/sqlite"], "SQL stands behind `Store`"),
    ("html5gum", &["gate/intake/ecosystem/"], "pages are read by the adapter of their ecosystem"),
    (
        "bulkhead_contain",
        &["worker/", "gate/runtime", "gate/egress/supervise.rs", "cli/serve.rs", "cli/run", "drill/"],
        "who starts a contained process is a short list",
    ),
];

pub(crate) fn check(files: &[File]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust() && !file.is_test()) {
        let (Some(path), Some(text)) = (file.path.strip_prefix(SOURCES), &file.text) else { continue };
        let code = source::code_only(text);
        for (number, line) in code.lines().enumerate() {
            for (name, places, why) in ONLY_IN {
                if line.contains(name) && !places.iter().any(|place| path.starts_with(place)) {
                    found.push(format!("{}:{}: `{name}`: {why}", file.path, number + 1));
                }
            }
        }
    }
    Ok(found)
}
