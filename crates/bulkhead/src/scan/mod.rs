//! Looking at what is there already: a file, a directory, an installed environment, a lockfile.
//!
//! The gate judges what comes in; this judges what came in some other way, or was changed since. All content goes to the
//! contained worker (invariant 6): an installed distribution is packed as the wheel that it was, so that the same detectors
//! read it in the same way, and only this module looks at the disk. Nothing is recorded and nothing is fetched.

mod fuzz;
pub mod installed;
pub mod judge;
pub mod lock;
pub mod pack;
pub mod sarif;
pub mod target;
mod walk;

#[cfg(test)]
mod tests;

pub use fuzz::fuzz_lock;

use std::fs::File;

use bulkhead_core::{Effect, Finding, Reason};
use bulkhead_detect::ArchiveKind;
use serde::{Deserialize, Serialize};

use crate::control::Looked;

/// What was looked at, and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scanned {
    /// As it was named.
    pub target: String,
    /// What it is, in words: `a wheel`, `an installed environment`.
    pub what: String,
    /// The detectors that looked.
    pub ruleset: String,
    /// The policy that judged: a file, or `shipped`.
    pub policy: String,
    /// The strictest effect of any item.
    pub effect: Effect,
    /// Each thing in it.
    pub items: Vec<Item>,
    /// Files read by the worker.
    pub files: u64,
    /// What was left out and why: "not found" is never printed as "clean".
    pub notes: Vec<String>,
}

/// One archive, distribution or locked release.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Item {
    /// What people call it: `requests 2.32.3`, a file's name.
    pub name: String,
    /// The release, when it says which it is.
    pub purl: Option<String>,
    /// What happens to it under the policy.
    pub effect: Effect,
    /// Why, and what to do next.
    pub reasons: Vec<Reason>,
    /// What was seen, worst first.
    pub findings: Vec<Finding>,
    /// 0 to 100 over those.
    pub score: u32,
    /// What its code can do and when.
    pub behaviours: Vec<String>,
    /// What advisories and the ledger say about the release.
    pub known: Option<Looked>,
    /// What to do about this very thing, beyond the rule's help.
    pub advice: Option<String>,
}

/// The largest file on disk that is looked into, in bytes; of a larger one it is said that it was not.
pub const LARGEST: u64 = 32 << 20;

/// One thing to be read by the worker.
#[derive(Debug)]
pub struct Parcel {
    /// What people call it.
    pub name: String,
    /// The release, when it says which it is.
    pub purl: Option<String>,
    /// How the worker is to read it.
    pub kind: ArchiveKind,
    /// The name under which it is read.
    pub file_name: String,
    /// The bytes, open for reading only.
    pub file: File,
    /// What was seen before the worker looks: RECORD against the disk.
    pub findings: Vec<Finding>,
    /// What to do when it is refused.
    pub advice: Option<String>,
    /// Whether its metadata was made here, so that what detectors say about that is of no interest.
    pub made: bool,
    /// Files of it that were too large to look at.
    pub passed_over: Vec<String>,
}
