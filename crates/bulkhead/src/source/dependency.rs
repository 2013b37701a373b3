//! How young the projects are that a release newly depends on. Sets `delta.new_dependency` and `delta.new_dependency_age`.
//!
//! Only a dependency that no code seems to import is looked at: an honest one is there to be used. Its age counts when the release
//! was uploaded, so that it does not pass because somebody waited.

use std::collections::BTreeMap;

use bulkhead_core::{Facts, Value};
use bulkhead_detect::delta::{Delta, NewDependency};
use jiff::Timestamp;

use crate::store::Born;

/// The source's id.
pub const SOURCE: &str = "new-dependency";

/// So many are asked for: a release that newly asks for more is a rewrite, and each is asked of the registry.
const MOST: usize = 20;

/// The new dependencies whose age matters.
pub fn asked(delta: &Delta) -> impl Iterator<Item = &NewDependency> {
    delta.dependencies.iter().filter(|found| !found.imported && !found.url).take(MOST)
}

/// Sets the youngest of them and its age, when the release was uploaded at that time.
pub fn gather(facts: &mut Facts, delta: &Delta, born: &BTreeMap<String, Born>, uploaded: Timestamp) {
    let mut ages: Vec<(Option<i64>, &str)> = Vec::new();
    for NewDependency { name, .. } in asked(delta) {
        let age = match born.get(name) {
            Some(Born::At(at)) => Some((uploaded.as_second() - at.as_second()).max(0)),
            Some(Born::Untold) => None,
            Some(Born::Unasked(why)) => {
                facts.unknown(SOURCE, format!("how old {name} is, on which it newly depends: {why}"));
                None
            }
            None => {
                facts.unknown(SOURCE, format!("nobody asked how old {name} is, on which it newly depends"));
                None
            }
        };
        ages.push((age, name));
    }
    // One whose age is known comes first: the rule is about the youngest of those.
    let youngest = ages.into_iter().min_by_key(|(age, name)| (age.is_none(), *age, *name));
    facts.set("delta.new_dependency", youngest.map_or(Value::Null, |(_, name)| name.into()));
    facts.set("delta.new_dependency_age", youngest.and_then(|(age, _)| age));
}
