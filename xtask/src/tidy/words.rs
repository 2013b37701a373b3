//! Names say what a thing is, and tests neither sleep nor hide.

use anyhow::Result;

use super::source;
use crate::repository::File;

/// File and folder names that say nothing.
const EMPTY_NAMES: &[&str] = &["helper", "helpers", "manager", "util", "utils", "misc", "common"];

/// What code may not contain (comments and texts aside), and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("#[ignore", "a test that does not run proves nothing"),
    ("todo!(", "unfinished"),
    ("unimplemented!(", "unfinished"),
    ("thread::sleep", "wait for what you wait for, not for time"),
];

pub(crate) fn check(files: &[File]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for part in file.path.trim_end_matches(".rs").split('/') {
            if EMPTY_NAMES.contains(&part) {
                found.push(format!("{}: `{part}` says nothing; name the idea", file.path));
            }
        }
        let Some(text) = &file.text else { continue };
        for (number, line) in source::code_only(text).lines().enumerate() {
            for (word, why) in FORBIDDEN {
                if line.contains(word) {
                    found.push(format!("{}:{}: `{word}`: {why}", file.path, number + 1));
                }
            }
        }
    }
    Ok(found)
}
