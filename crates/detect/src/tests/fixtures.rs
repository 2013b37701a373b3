//! The manual's examples and the fixtures in `testdata/`, each built and inspected.

use std::fs;
use std::path::Path;

use super::recipe::Recipe;
use super::{found, look_local, must_find};
use crate::DETECTORS;

fn check(id: &str, bad: bool, text: &str, what: &str) {
    let recipe = Recipe::parse(text);
    let report = look_local(&recipe.bytes(), &recipe.file_name);
    assert!(report.readable, "{what}: {:#?}", report.findings);
    if bad {
        must_find(&report, id, recipe.expect, what);
        assert!(recipe.expect <= found(&report, id).expect("just found").severity);
    } else {
        assert!(report.findings.iter().all(|finding| finding.detector != id), "{what}: {:#?}", report.findings);
    }
}

#[test]
fn examples_in_the_manual_hold() {
    for detector in DETECTORS {
        let meta = detector.meta();
        let recipes: Vec<(bool, &str)> = meta
            .doc
            .split("```recipe ")
            .skip(1)
            .map(|rest| rest.split_once('\n').expect("a first line"))
            .map(|(word, rest)| (word == "bad", rest.split("```").next().unwrap_or_default()))
            .collect();
        assert!(
            recipes.iter().any(|(bad, _)| *bad) && recipes.iter().any(|(bad, _)| !*bad),
            "{}: no examples",
            meta.id
        );
        for (bad, text) in recipes {
            check(meta.id, bad, text, meta.id);
        }
    }
}

#[test]
fn fixtures_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    for detector in DETECTORS {
        let id = detector.meta().id;
        for (folder, bad) in [("bad", true), ("good", false)] {
            let folder = root.join(id).join(folder);
            let mut count = 0;
            for file in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
                let path = file.expect("a folder can be listed").path();
                check(id, bad, &fs::read_to_string(&path).expect("a fixture is text"), &path.display().to_string());
                count += 1;
            }
            assert!(count > 0, "{} is empty", folder.display());
        }
    }
}
