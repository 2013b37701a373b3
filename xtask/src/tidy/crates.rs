//! Which crate may depend on which, and where unsafe code may stand: DESIGN.md, "Workspace".

use std::collections::BTreeSet;

use anyhow::Result;

use super::source;
use crate::repository::{self, File};

/// Our own crates that a crate may depend on, its tests aside.
const MAY_DEPEND: &[(&str, &[&str])] = &[
    ("bulkhead-core", &[]),
    ("bulkhead-detect", &["bulkhead-core"]),
    ("bulkhead-ledger", &["bulkhead-core"]),
    ("bulkhead-contain", &["bulkhead-core"]),
    ("bulkhead", &["bulkhead-core", "bulkhead-detect", "bulkhead-ledger", "bulkhead-contain"]),
    ("it", &["bulkhead"]),
    ("xtask", &[]),
];

/// The one folder in which `unsafe` may stand.
const UNSAFE: &str = "crates/contain/";

pub(crate) fn check(files: &[File]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let members = repository::members()?;
    let own: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    for member in &members {
        let Some((_, may_depend)) = MAY_DEPEND.iter().find(|(name, _)| *name == member.name) else {
            found.push(format!("crate {} has no row in xtask/src/tidy/crates.rs", member.name));
            continue;
        };
        for (name, for_tests) in &member.dependencies {
            if own.contains(name.as_str()) && !for_tests && !may_depend.contains(&name.as_str()) {
                found.push(format!("crate {} may not depend on {name} (xtask/src/tidy/crates.rs)", member.name));
            }
        }
    }
    for file in files.iter().filter(|file| file.is_rust() && !file.path.starts_with(UNSAFE)) {
        let Some(text) = &file.text else { continue };
        for (number, line) in source::code_only(text).lines().enumerate() {
            let is_word = |word: &str| word == "unsafe";
            if line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(is_word) {
                found.push(format!("{}:{}: unsafe code stands in {UNSAFE} only", file.path, number + 1));
            }
        }
    }
    Ok(found)
}
