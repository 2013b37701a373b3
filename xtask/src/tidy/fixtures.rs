//! Every detector has fixtures, and every folder of fixtures has its detector.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::repository::File;

const DETECTORS: &str = "crates/detect/src/detectors/";
const FIXTURES: &str = "crates/detect/testdata/";

pub(crate) fn check(files: &[File]) -> Result<Vec<String>> {
    let named = |folder: &str| -> BTreeSet<String> {
        let inside = files.iter().filter_map(|file| file.path.strip_prefix(folder));
        inside
            .filter_map(|path| path.split('/').next())
            .map(|name| name.trim_end_matches(".rs").replace('_', "-"))
            .collect()
    };
    let mut detectors = named(DETECTORS);
    detectors.retain(|name| name != "mod" && name != "tests");
    let fixtures = named(FIXTURES);
    let mut found = Vec::new();
    found.extend(fixtures.difference(&detectors).map(|name| format!("{FIXTURES}{name}: no detector of that name")));
    found.extend(
        detectors.difference(&fixtures).map(|name| format!("{DETECTORS}{name}: no fixtures in {FIXTURES}{name}")),
    );
    Ok(found)
}
