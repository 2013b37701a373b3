//! How old a file is: by the registry's upload time, else since Bulkhead first saw it.
//!
//! Sets `file.age`, `file.time`, `file.uploaded`; without any clock notes the Unknown `upload-time`.

use std::collections::BTreeMap;

use bulkhead_core::{Facts, Value};
use jiff::Timestamp;

/// The source's id.
pub const SOURCE: &str = "upload-time";

/// Clocks of registries and of this machine differ a little: so far ahead, in seconds, a time still counts as now.
const SKEW: i64 = 300;

/// When each file without an upload time was first seen, by file name.
pub type FirstSeen = BTreeMap<Box<str>, Timestamp>;

/// What the registry tells about the upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'a> {
    /// Nothing.
    Nothing,
    /// The time.
    At(Timestamp),
    /// Something that is no time.
    Malformed(&'a str),
}

/// Sets what is known about the file's age at `now`. First-seen stands in only where the registry tells nothing: what
/// it tells wrongly is a reason to look, not a reason to start another clock.
pub fn gather(facts: &mut Facts, told: Told<'_>, first_seen: Option<Timestamp>, now: Timestamp) {
    match told {
        Told::At(at) => {
            facts.set("file.uploaded", at.to_string());
            let age = now.as_second() - at.as_second();
            // A time in the future is kept as a negative age: it is younger than any cooldown.
            facts.set("file.age", if (-SKEW..0).contains(&age) { 0 } else { age });
            facts.set("file.time", if age < -SKEW { "future" } else { "upload" });
        }
        Told::Malformed(text) => {
            facts.set("file.uploaded", text.chars().take(80).collect::<String>());
            facts.set("file.age", Value::Null);
            facts.set("file.time", "malformed");
            facts.unknown(SOURCE, "the registry's upload time is not a time");
        }
        Told::Nothing => {
            facts.set("file.uploaded", Value::Null);
            match first_seen {
                Some(at) => {
                    // The clock may have been set back since.
                    facts.set("file.age", (now.as_second() - at.as_second()).max(0));
                    facts.set("file.time", "first-seen");
                }
                None => {
                    facts.set("file.age", Value::Null);
                    facts.set("file.time", Value::Null);
                    facts.unknown(SOURCE, "the registry tells no upload time, and the file was not seen before");
                }
            }
        }
    }
}
