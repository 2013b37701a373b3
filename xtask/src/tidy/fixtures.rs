//! Every detector shows what it finds and what it leaves alone (its recipes are built and inspected by detect's tests),
//! and stands in the list.

use anyhow::{Context, Result};

use super::source;
use crate::repository::File;

const DETECTORS: &str = "crates/detect/src/detectors/";
const LIST: &str = "crates/detect/src/detector.rs";

pub(crate) fn check(files: &[File]) -> Result<Vec<String>> {
    let list = files.iter().find(|file| file.path == LIST).and_then(|file| file.text.as_deref());
    let list = source::code_only(list.with_context(|| format!("there is no {LIST}"))?);
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with(DETECTORS) && !file.is_test()) {
        let Some(text) = &file.text else { continue };
        if !source::code_only(text).contains("const META: Meta") {
            continue;
        }
        for recipe in ["```recipe bad", "```recipe good"] {
            if !text.contains(recipe) {
                found.push(format!("{}: its `doc` has no {recipe}", file.path));
            }
        }
        let module = file.path.trim_start_matches(DETECTORS).trim_end_matches(".rs");
        if !list.contains(&format!("detectors::{module}::")) {
            found.push(format!("{}: not in the list DETECTORS of {LIST}", file.path));
        }
    }
    Ok(found)
}
