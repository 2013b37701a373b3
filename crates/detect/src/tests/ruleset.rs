//! The list of detectors and its version.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::{RULESET, metas};

#[test]
fn ids_are_kebab_case_and_unique() {
    let mut seen = BTreeSet::new();
    for meta in metas() {
        assert!(meta.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", meta.id);
        assert!(seen.insert(meta.id), "{} is there twice", meta.id);
        assert!(meta.doc.len() > 60, "{} has no manual entry", meta.id);
        assert!(!meta.title.ends_with('.'), "{}", meta.title);
    }
}

/// Cached reports are kept by RULESET. Ids are append-only: policies name them. When this fails because a detector was
/// added or changes its severity, bump RULESET in `detector.rs` and write both here.
#[test]
fn the_ruleset_is_bumped_with_its_detectors() {
    let mut list = format!("{RULESET}\n");
    for meta in metas() {
        writeln!(list, "{} {}", meta.id, meta.severity.as_str()).unwrap();
    }
    assert_eq!(list.trim(), include_str!("ruleset.txt").trim());
}

/// Every id is shown to work by some test that names it.
#[test]
fn every_id_is_tested() {
    let tests = [
        include_str!("hostile_zip.rs"),
        include_str!("hostile_tar.rs"),
        include_str!("limits.rs"),
        include_str!("report.rs"),
        include_str!("../delta/tests.rs"),
    ]
    .concat();
    for meta in metas() {
        let by_fixture =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(meta.id).join("bad").is_dir();
        assert!(by_fixture || tests.contains(&format!("\"{}\"", meta.id)), "no test for {}", meta.id);
    }
}
