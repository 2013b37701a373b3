//! State: what can be made again from the ledger (projections), and what cannot (first-seen, reports, pages, feeds, tokens).
//!
//! [`Store`] speaks the domain, not SQL, and is synchronous: a call takes microseconds to a few milliseconds, and the
//! one who calls it from async code chooses the thread. Every backend passes the same suite, `conformance`.

mod advisory;
mod entry;
mod error;
pub mod graph;
mod page;
pub mod record;
mod report;
mod review;
pub mod sqlite;
mod token;

#[cfg(test)]
mod conformance;

use std::collections::BTreeMap;

use bulkhead_core::{EntryIndex, Principal, Purl, RunId, Sha256};
use jiff::Timestamp;

pub use advisory::{
    Advisory, AdvisoryStream, Affected, Affects, Bound, Feed, FeedRefused, FeedSummary, ImportError, Range, Release,
    Semver,
};
pub use entry::{Indexed, ServedVersion, WithBytes, detail};
pub use error::{Cause, StoreError};
pub use page::{Page, SeenFile, WithheldFrom};
pub use report::{Born, Judged, KeptDelta, Reading, Report};
pub use review::{Decision, HeldItem, Ruling};
pub use sqlite::SqliteStore;
pub use token::{Token, TokenError, TokenText};

/// Everything Bulkhead keeps outside the ledger and the blobs. `project` arguments are purls; their version is ignored.
///
/// Every method fails with [`StoreError`] and then has changed nothing.
pub trait Store: Send + Sync {
    // Projections of the ledger: all of it can be dropped and made again.

    /// Projects entries, in order, in one transaction. Entries at or below [`Self::projected_to`] are skipped, so a
    /// repeat is harmless; a gap is [`StoreError::Gap`].
    fn project(&self, entries: &[Indexed]) -> Result<(), StoreError>;
    /// The index of the last projected entry.
    fn projected_to(&self) -> Result<Option<EntryIndex>, StoreError>;
    /// Makes every projection anew from all entries, in order from the first, for `bulkhead ledger rebuild`; their number.
    /// One transaction: readers see the old rows until the new are complete, and an entry that cannot be given
    /// ([`StoreError::Unread`]) leaves the old ones. What no entry can give back is kept.
    fn rebuild_projections(
        &self,
        entries: &mut dyn Iterator<Item = Result<WithBytes, Cause>>,
    ) -> Result<u64, StoreError>;
    /// One entry with its index: what `bulkhead explain v1234` shows.
    fn entry(&self, index: EntryIndex) -> Result<Option<Indexed>, StoreError>;
    /// Entries about a release, or about every release of a project when `purl` has no version; newest first.
    fn entries_about(&self, purl: &Purl, limit: usize) -> Result<Vec<Indexed>, StoreError>;
    /// Entries about a file, newest first.
    fn entries_with_digest(&self, digest: &Sha256, limit: usize) -> Result<Vec<Indexed>, StoreError>;
    /// Entries of a contained run, newest first.
    fn entries_of_run(&self, run: &RunId, limit: usize) -> Result<Vec<Indexed>, StoreError>;
    /// The first and the last entry of each of the newest runs, newest first. Runs are as old as their id says (RFC 9562, version 7).
    fn latest_runs(&self, limit: usize) -> Result<Vec<(Indexed, Indexed)>, StoreError>;
    /// The newest entries, newest first.
    fn latest_entries(&self, limit: usize) -> Result<Vec<Indexed>, StoreError>;
    /// What waits for review: per release, file and rule the latest refusal that no later permit, no release in force
    /// at `now` and no rejection has settled. Longest-waiting first. Whether time alone has settled an item is policy's
    /// business: [`HeldItem::uploaded`] and [`HeldItem::first_asked`] are there for it.
    fn held(&self, now: Timestamp) -> Result<Vec<HeldItem>, StoreError>;
    /// Every decision by review on a project, oldest first, expired ones too.
    fn decisions_for(&self, project: &Purl) -> Result<Vec<Decision>, StoreError>;
    /// Looks at the graph of the estate, in one state of it from beginning to end.
    fn look(&self, look: &mut dyn FnMut(&dyn graph::Graph) -> Result<(), StoreError>) -> Result<(), StoreError>;
    /// The versions of a project that were served, in no particular order: which is highest, the ecosystem knows.
    fn served(&self, project: &Purl) -> Result<Vec<ServedVersion>, StoreError>;

    // Reports of the worker that reads archives.

    /// Keeps a report, in the place of an earlier one with the same digest and ruleset.
    fn put_report(&self, report: &Report) -> Result<(), StoreError>;
    /// The report on a file under a ruleset.
    fn report(&self, digest: &Sha256, ruleset: &str) -> Result<Option<Report>, StoreError>;
    /// What is known of those files' content under a ruleset: the quick way for a listing. Files that were never read are absent.
    fn reports_for(&self, digests: &[Sha256], ruleset: &str) -> Result<BTreeMap<Sha256, Judged>, StoreError>;

    /// Notes that the content of a file was read; the first time stands.
    fn note_reading(&self, reading: &Reading) -> Result<(), StoreError>;
    /// The files that were read of a project, or of every one, by name of project and file.
    fn readings(&self, project: Option<&Purl>) -> Result<Vec<Reading>, StoreError>;
    /// Keeps what is new in a file under a ruleset, in the place of an earlier comparison.
    fn put_delta(&self, digest: &Sha256, ruleset: &str, kept: &KeptDelta) -> Result<(), StoreError>;
    /// What is new in those files under a ruleset. Files that were never compared are absent.
    fn deltas_for(&self, digests: &[Sha256], ruleset: &str) -> Result<BTreeMap<Sha256, KeptDelta>, StoreError>;

    // Times and pages of upstreams.

    /// When each file was first seen, in the order given: `now` for those never seen before, and kept from then on.
    /// Another digest under the same name is another file.
    fn first_seen(&self, project: &Purl, files: &[SeenFile<'_>], now: Timestamp) -> Result<Vec<Timestamp>, StoreError>;
    /// Keeps an upstream index page.
    fn put_page(&self, project: &Purl, page: &Page) -> Result<(), StoreError>;
    /// Notes that the upstream confirmed the kept page (304) at that time.
    fn touch_page(&self, project: &Purl, fetched_at: Timestamp) -> Result<(), StoreError>;
    /// The kept upstream index page.
    fn page(&self, project: &Purl) -> Result<Option<Page>, StoreError>;
    /// The digest of what was last withheld in this listing.
    fn withheld(&self, from: &WithheldFrom<'_>) -> Result<Option<Sha256>, StoreError>;
    /// Keeps that digest. Call it after the entry is recorded: forgetting repeats an entry, the other order loses one.
    fn set_withheld(&self, from: &WithheldFrom<'_>, digest: &Sha256) -> Result<(), StoreError>;

    // Advisories.

    /// Takes in a feed, in the place of the feed of that name. Readers see the old feed until the new one is complete.
    fn import_feed(&self, name: &str, stream: &mut dyn AdvisoryStream, now: Timestamp) -> Result<Feed, ImportError>;
    /// The feeds, by name.
    fn feeds(&self) -> Result<Vec<Feed>, StoreError>;
    /// Removes a feed; false when there is none of that name.
    fn remove_feed(&self, name: &str) -> Result<bool, StoreError>;
    /// A number that changes with every import or removal through this store; in memory, so asking costs nothing.
    fn feed_epoch(&self) -> u64;
    /// The advisories that name a project, each with only its part on that project, by id.
    fn advisories_on(&self, project: &Purl) -> Result<Vec<Advisory>, StoreError>;
    /// The advisories that name one of those files, or a file inside one. Files that none names are absent.
    fn advisories_with_files(&self, digests: &[Sha256]) -> Result<BTreeMap<Sha256, Vec<Advisory>>, StoreError>;

    // Tokens.

    /// Creates a token for a principal. Only the digest is kept: the text is shown once, to whoever asked for it.
    fn create_token(
        &self,
        text: &TokenText,
        principal: &Principal,
        now: Timestamp,
        expires: Option<Timestamp>,
    ) -> Result<Token, StoreError>;
    /// Whom a token names; nothing when it is unknown, expired or revoked.
    fn verify_token(&self, text: &TokenText, now: Timestamp) -> Result<Option<Principal>, StoreError>;
    /// Lets a token into the console.
    fn make_admin(&self, text: &TokenText) -> Result<(), StoreError>;
    /// Whom a token names, when it may enter the console.
    fn verify_admin(&self, text: &TokenText, now: Timestamp) -> Result<Option<Principal>, StoreError>;
    /// Every token, oldest first, revoked ones too.
    fn tokens(&self) -> Result<Vec<Token>, StoreError>;
    /// Revokes the token with that id; false when there is none, or it is revoked already.
    fn revoke_token(&self, id: &str, now: Timestamp) -> Result<bool, StoreError>;

    // Small things.

    /// A small value kept under a key, such as the upstream that pip reports.
    fn meta(&self, key: &str) -> Result<Option<String>, StoreError>;
    /// Keeps a small value under a key.
    fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError>;
}
