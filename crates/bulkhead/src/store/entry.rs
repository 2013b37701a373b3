//! What the projections read out of ledger entries, beyond what every entry has.

use bulkhead_core::{Action, EntryIndex, Gate, Purl};
use bulkhead_ledger::Entry;
use jiff::Timestamp;

/// An entry and its index, as the ledger gives them out.
pub type Indexed = (EntryIndex, Entry);

/// The same with the bytes that the log has for it, which are kept beside it.
pub type WithBytes = (EntryIndex, Entry, Vec<u8>);

/// Names in [`Entry::detail`] that projections read. Append-only: entries hold them for ever.
pub mod detail {
    /// Who answers for a decision by review.
    pub const OWNER: &str = "owner";
    /// Why it was made.
    pub const REASON: &str = "reason";
    /// The one rule that it is about; absent, every rule.
    pub const RULE: &str = "rule";
    /// Until when a release holds (RFC 3339).
    pub const EXPIRES: &str = "expires";
    /// The upload time of the file (RFC 3339), in entries of the intake gate.
    pub const UPLOADED: &str = "uploaded";
    /// The sources that could not say, in a refusal of a rejudge.
    pub const UNKNOWN: &str = "unknown";
}

/// When the entry was recorded.
pub(super) fn time_of(entry: &Entry) -> Timestamp {
    let millis = i64::try_from(entry.time.unix_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

/// The upload time that the entry tells, when it is one.
pub(super) fn uploaded(entry: &Entry) -> Option<Timestamp> {
    if entry.gate != Gate::Intake {
        return None;
    }
    entry.detail.get(detail::UPLOADED)?.parse().ok()
}

/// A reviewer's words.
pub(super) struct ReviewNote<'a> {
    pub(super) owner: &'a str,
    pub(super) reason: &'a str,
    pub(super) rule: Option<&'a str>,
    pub(super) expires: Option<Timestamp>,
}

/// What a review entry says; nothing when an owner, a reason or a readable expiry is missing. Such an entry decides
/// nothing, so what was held stays held (invariant 9: no exception without all three).
pub(super) fn review_note(entry: &Entry) -> Option<ReviewNote<'_>> {
    let text = |name| entry.detail.get(name).map(String::as_str);
    let expires = match text(detail::EXPIRES) {
        Some(at) => Some(at.parse().ok()?),
        None => None,
    };
    Some(ReviewNote { owner: text(detail::OWNER)?, reason: text(detail::REASON)?, rule: text(detail::RULE), expires })
}

/// A version that the estate has received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedVersion {
    /// The version, as the registry spells it.
    pub version: String,
    /// The newest upload time among its served files, when one is known.
    pub uploaded: Option<Timestamp>,
    /// When a file of it was served last.
    pub last_served: Timestamp,
    /// How many entries served a file of it.
    pub count: u64,
}

impl ServedVersion {
    /// What the entry tells of the project, when it let a file of it through.
    pub fn told(entry: &Entry, project: &Purl) -> Option<Self> {
        let purl =
            served(entry).filter(|purl| (purl.ecosystem(), purl.name()) == (project.ecosystem(), project.name()))?;
        let (uploaded, last_served) = (uploaded(entry), time_of(entry));
        Some(Self { version: purl.version()?.to_owned(), uploaded, last_served, count: 1 })
    }
}

/// The package of which the entry let a file through.
pub(super) fn served(entry: &Entry) -> Option<&Purl> {
    let passed = entry.gate == Gate::Intake && entry.action == Action::Fetch && entry.effect.passes();
    entry.resource.purl.as_ref().filter(|_| passed)
}
