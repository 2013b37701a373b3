//! Replays the seeds of the fuzz targets, and whatever a fuzzing run has left beside them.

use std::fs;
use std::path::Path;

use super::super::{fuzz_html, fuzz_json, fuzz_route};

#[test]
fn the_seeds_of_the_fuzz_targets_pass() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    type Target = fn(&[u8]);
    let targets = [("pypi_json", fuzz_json as Target), ("pypi_html", fuzz_html), ("pypi_route", fuzz_route)];
    for (folder, target) in targets {
        let mut seeds = 0;
        for entry in fs::read_dir(corpus.join(folder)).unwrap() {
            target(&fs::read(entry.unwrap().path()).unwrap());
            seeds += 1;
        }
        assert!(seeds >= 5, "{folder} holds {seeds} seeds");
    }
}
