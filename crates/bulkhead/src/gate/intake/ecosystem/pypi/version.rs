//! Versions, equal as PEP 440 says.

use std::fmt::Write as _;

pub use pep440_rs::Version;

/// No real version is longer; the longest on record is well under 100 characters.
const LONGEST: usize = 200;

/// Reads a version in any spelling that PEP 440 allows (`v1.0`, `1.0-alpha_1`, `1!2.0+local`). Nothing when it is none.
pub fn parse_version(text: &str) -> Option<Version> {
    if text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    text.parse().ok()
}

/// Whether two spellings name the same release: `1.82.8` and `v1.82.8.0` do. Texts that PEP 440 cannot read are the
/// same release only when they are the same text.
pub fn same_release(a: &str, b: &str) -> bool {
    match (parse_version(a), parse_version(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => a == b,
        _ => false,
    }
}

/// One text per release, for use as a key: normalised, and without the trailing zeros that PEP 440 ignores
/// (`1.82.8.0` gives `1.82.8`, `1.0` gives `1`). To show a version to people, print the [`Version`] itself.
pub fn release_key(version: &Version) -> String {
    let release = version.release();
    let kept = release.iter().rposition(|part| *part != 0).map_or(1, |last| last + 1);
    let mut key = String::new();
    let full = version.clone().with_release(release.iter().take(kept).copied());
    write!(key, "{full}").expect("invariant: writing to a String does not fail");
    key
}
