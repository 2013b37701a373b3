//! What the estate already received, so that a silent downgrade is seen. Sets `floor.version`, `floor.below` and
//! `floor.lag`; a project that was never served has no floor, and all three are null.

use bulkhead_core::{Facts, Value};
use jiff::Timestamp;
use pep440_rs::Version;

use crate::store::ServedVersion;

/// The source's id.
pub const SOURCE: &str = "floor";

/// The highest version among those served. A pre-release counts only where nothing else was served: one person's
/// trial of a release candidate must not make every stable release look like a downgrade.
pub fn highest(served: Vec<ServedVersion>) -> Option<(Version, ServedVersion)> {
    let read = |served: ServedVersion| served.version.parse().ok().map(|version: Version| (version, served));
    let rank = |version: &Version| !version.any_prerelease();
    let versions = served.into_iter().filter_map(read);
    versions.max_by(|(one, _), (other, _)| rank(one).cmp(&rank(other)).then_with(|| one.cmp(other)))
}

/// Sets how this version stands to the highest one that was served. `uploaded` is this file's upload time.
pub fn gather(
    facts: &mut Facts,
    version: Option<&Version>,
    uploaded: Option<Timestamp>,
    floor: Option<&(Version, ServedVersion)>,
) {
    let Some((highest, served)) = floor else {
        for name in ["floor.version", "floor.below", "floor.lag"] {
            facts.set(name, Value::Null);
        }
        return;
    };
    facts.set("floor.version", served.version.as_str());
    let lag = served.uploaded.zip(uploaded).map(|(newest, own)| newest.as_second() - own.as_second());
    facts.set("floor.lag", lag);
    facts.set("floor.below", version.map(|version| version < highest));
    if version.is_none() {
        facts.unknown(SOURCE, format!("the file has no version to compare with {}", served.version));
    }
}
