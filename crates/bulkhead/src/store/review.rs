//! Held items and what reviewers decided about them.

use bulkhead_core::{Effect, EntryIndex, Principal, Purl, Sha256};
use jiff::Timestamp;

/// Something that was refused and that nobody has decided about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldItem {
    /// The release, or the project when the refusal was about all of it.
    pub purl: Purl,
    /// The file, when it was about one.
    pub file: Option<String>,
    /// The file's digest, as last seen.
    pub digest: Option<Sha256>,
    /// The rule that refuses; `default` when no rule does.
    pub rule: String,
    /// Hold or deny.
    pub effect: Effect,
    /// The rule's sentence, as last filled in.
    pub text: String,
    /// The upload time of the file, when the entries say it.
    pub uploaded: Option<Timestamp>,
    /// How many times it was asked for and refused.
    pub count: u64,
    /// The first such ask since it last passed.
    pub first_asked: Timestamp,
    /// The latest such ask.
    pub last_asked: Timestamp,
    /// The entry of the latest.
    pub last_entry: EntryIndex,
    /// Who asked, by name.
    pub principals: Vec<Principal>,
}

/// What a reviewer decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// It may pass.
    Released,
    /// It stays refused, and is no longer asked about.
    Rejected,
}

/// A decision by review: an exception to policy, or the confirmation of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The entry that records it.
    pub entry: EntryIndex,
    /// When it was made.
    pub at: Timestamp,
    /// Released or rejected.
    pub ruling: Ruling,
    /// The release, or the project when it is about every release.
    pub purl: Purl,
    /// The one file that it is about; absent, every file.
    pub file: Option<String>,
    /// The one rule that it is about; absent, every rule.
    pub rule: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires: Option<Timestamp>,
}

impl Decision {
    /// Whether it has not expired at that time.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    /// Whether it is about this release, file and rule.
    pub fn covers(&self, purl: &Purl, file: Option<&str>, rule: &str) -> bool {
        let same_project = self.purl.ecosystem() == purl.ecosystem() && self.purl.name() == purl.name();
        same_project
            && self.purl.version().is_none_or(|version| purl.version() == Some(version))
            && self.file.as_deref().is_none_or(|own| file == Some(own))
            && self.rule.as_deref().is_none_or(|own| own == rule)
    }
}
