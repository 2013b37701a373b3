//! A file holds one idea and can be read at one sitting.

use anyhow::Result;

use crate::repository::File;

/// Lines in a source file; tests are in sibling files and may be longer.
const LIMIT: usize = 500;

pub(crate) fn check(files: &[File]) -> Result<Vec<String>> {
    let sources = files.iter().filter(|file| file.is_rust() && !file.is_test());
    Ok(sources
        .filter_map(|file| {
            let lines = file.text.as_ref()?.lines().count();
            (lines > LIMIT).then(|| format!("{}: {lines} lines, limit {LIMIT}: split it by idea", file.path))
        })
        .collect())
}
