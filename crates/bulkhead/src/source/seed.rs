//! The advisories that ship with Bulkhead: the event that it answers.

use jiff::Timestamp;

use super::feed;
use crate::store::{Feed, ImportError, Store};

/// The name of the feed.
pub const FEED: &str = "built-in";

/// Each is one OSV record, named for error messages.
const RECORDS: &[(&str, &str)] = &[
    ("canary.json", include_str!("../../seed/canary.json")),
    ("litellm-1.82.7.json", include_str!("../../seed/litellm-1.82.7.json")),
    ("litellm-1.82.8.json", include_str!("../../seed/litellm-1.82.8.json")),
];

/// Puts the seed into the store when it is not there, or is of another version of Bulkhead. Returns the feed when it
/// was put there.
///
/// # Errors
/// When the store fails.
pub fn plant(store: &dyn Store, now: Timestamp) -> Result<Option<Feed>, ImportError> {
    let records = || RECORDS.iter().map(|(name, json)| ((*name).to_owned(), json.as_bytes().to_vec()));
    let digest = feed::digest_of(records());
    if store.feeds()?.iter().any(|feed| feed.name == FEED && feed.summary.digest == digest) {
        return Ok(None);
    }
    feed::import_records(store, FEED, records(), now).map(Some)
}
