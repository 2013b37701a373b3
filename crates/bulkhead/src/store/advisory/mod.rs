//! Advisories and the feeds that bring them, reduced to what matching needs (OSV schema 1.7).

mod affected;
mod version;

#[cfg(test)]
mod tests;

use bulkhead_core::Sha256;
use jiff::Timestamp;

use super::StoreError;

pub use affected::{Affected, Affects, Bound, Range};
pub use version::{Release, Semver};

/// One advisory.
#[derive(Debug, Clone, PartialEq)]
pub struct Advisory {
    /// The record's id (`MAL-2026-2144`).
    pub id: String,
    /// Other ids of the same thing.
    pub aliases: Vec<String>,
    /// The record's one sentence; may be empty.
    pub summary: String,
    /// Whether it says that the package is malicious, rather than vulnerable.
    pub malicious: bool,
    /// When the record last changed.
    pub modified: Timestamp,
    /// The packages and versions that it names. From a lookup: only the part on the project that was asked about.
    pub affected: Vec<Affected>,
    /// SHA-256 of files that it names: packages, or files inside them. From a lookup: empty.
    pub files: Vec<Sha256>,
}

/// A feed that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Its name.
    pub name: String,
    /// What was read.
    pub summary: FeedSummary,
    /// When it was imported.
    pub imported_at: Timestamp,
}

/// What an import read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSummary {
    /// SHA-256 of what was read.
    pub digest: Sha256,
    /// Advisories taken in.
    pub records: u64,
    /// Records that their author has withdrawn: left out.
    pub withdrawn: u64,
    /// Records about no ecosystem that Bulkhead knows: left out.
    pub elsewhere: u64,
    /// Records that could not be read and were left out because the operator said so.
    pub invalid: u64,
    /// The newest change among the records.
    pub newest: Option<Timestamp>,
}

/// Advisories one after the other, so that an import never holds a whole feed.
pub trait AdvisoryStream {
    /// The next advisory; nothing after the last.
    fn next(&mut self) -> Option<Advisory>;

    /// Called once, after the last: what was read, or why nothing of it must be taken in.
    fn finish(&mut self) -> Result<FeedSummary, FeedRefused>;
}

/// The feed must not be imported, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FeedRefused(pub String);

/// A feed could not be imported; the feed of that name is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The feed itself is at fault.
    #[error(transparent)]
    Refused(#[from] FeedRefused),
    /// The store is.
    #[error(transparent)]
    Store(#[from] StoreError),
}
