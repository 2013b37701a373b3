//! Importing advisories: a folder, a zip or one file of OSV records into the store, whole or not at all.

mod document;
mod folder;
mod zip;

use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use bulkhead_core::Sha256;
use jiff::Timestamp;

use self::document::Documents;
use super::osv;
use super::seed;
use crate::blob::from_aws;
use crate::store::{Advisory, AdvisoryStream, Feed, FeedRefused, FeedSummary, ImportError, Store};

/// A refusal names so many unreadable records; the rest is a number.
const NAMED: usize = 20;

/// How to import.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The feed's name; absent, the name of the file or folder.
    pub name: Option<String>,
    /// Take in the readable records although others are not.
    pub skip_invalid: bool,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The feed as it now is.
    pub feed: Feed,
    /// The records that were left out because they cannot be read, each with its place and why.
    pub invalid: Vec<String>,
}

/// Imports a folder, a `.zip`, or a `.json`, `.jsonl` or `.ndjson` file, each of these also with `.gz`, in the place of
/// the feed of the same name.
///
/// # Errors
/// [`ImportError::Refused`] when something cannot be read (with `skip_invalid`: when nothing can), holds no record
/// that could ever match, or `record` refuses; the feed of that name then stays as it was.
pub fn import(
    store: &dyn Store,
    path: &Path,
    options: &Options,
    now: Timestamp,
    record: Record<'_>,
) -> Result<Imported, ImportError> {
    let name = feed_name(path, options.name.as_deref())?;
    let documents = document::open(path)?;
    let mut recorded = Recorded { name: &name, records: Records::new(documents, options.skip_invalid), record };
    let feed = store.import_feed(&name, &mut recorded, now)?;
    Ok(Imported { feed, invalid: recorded.records.invalid })
}

/// Called with the feed's name and what was read, after all of it was and before any of it counts: the entry comes
/// before the effect.
pub type Record<'a> = &'a mut dyn FnMut(&str, &FeedSummary) -> Result<(), FeedRefused>;

struct Recorded<'a> {
    name: &'a str,
    records: Records,
    record: Record<'a>,
}

impl AdvisoryStream for Recorded<'_> {
    fn next(&mut self) -> Option<Advisory> {
        self.records.next()
    }

    fn finish(&mut self) -> Result<FeedSummary, FeedRefused> {
        let summary = self.records.finish()?;
        (self.record)(self.name, &summary)?;
        Ok(summary)
    }
}

/// Imports records that are in the program already.
pub(super) fn import_records(
    store: &dyn Store,
    name: &str,
    records: impl Iterator<Item = (String, Vec<u8>)> + 'static,
    now: Timestamp,
) -> Result<Feed, ImportError> {
    let documents = Documents { whole: None, each: Box::new(records.map(Ok)) };
    store.import_feed(name, &mut Records::new(documents, false), now)
}

/// The digest of a feed of several files: over each name and digest, in order.
pub(super) fn digest_of(records: impl Iterator<Item = (String, Vec<u8>)>) -> Sha256 {
    let mut context = Context::new(&SHA256);
    records.for_each(|(place, json)| add(&mut context, &place, &json));
    from_aws(&context.finish())
}

fn add(context: &mut Context, place: &str, json: &[u8]) {
    context.update(place.as_bytes());
    context.update(b"\n");
    context.update(crate::blob::sha256(json).as_bytes());
}

fn feed_name(path: &Path, given: Option<&str>) -> Result<String, FeedRefused> {
    let name = given.or_else(|| path.file_name()?.to_str()).unwrap_or_default();
    let good = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
    if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
        let shown: String = name.chars().take(80).collect();
        let why = format!("`{shown}` cannot name a feed: 1 to 64 letters, digits, `.`, `_`, `-`; give one with --name");
        return Err(FeedRefused(why));
    }
    if name == seed::FEED {
        return Err(FeedRefused(format!("`{name}` is the feed that ships with Bulkhead; choose another --name")));
    }
    Ok(name.to_owned())
}

/// Documents read as OSV records, one at a time.
struct Records {
    documents: Documents,
    skip_invalid: bool,
    context: Context,
    summary: FeedSummary,
    invalid: Vec<String>,
    /// The reading itself failed: what came before is not the feed.
    broken: Option<FeedRefused>,
}

impl Records {
    fn new(documents: Documents, skip_invalid: bool) -> Self {
        let summary = FeedSummary {
            digest: Sha256::from_bytes([0; 32]),
            records: 0,
            withdrawn: 0,
            elsewhere: 0,
            invalid: 0,
            newest: None,
        };
        let context = Context::new(&SHA256);
        Self { documents, skip_invalid, context, summary, invalid: Vec::new(), broken: None }
    }
}

impl AdvisoryStream for Records {
    fn next(&mut self) -> Option<Advisory> {
        if self.broken.is_some() {
            return None;
        }
        loop {
            let (place, json) = match self.documents.each.next()? {
                Ok(document) => document,
                Err(refused) => {
                    self.broken = Some(refused);
                    return None;
                }
            };
            add(&mut self.context, &place, &json);
            match osv::read(&json) {
                Ok(osv::Record::Advisory(advisory)) => {
                    self.summary.records += 1;
                    self.summary.newest = self.summary.newest.max(Some(advisory.modified));
                    return Some(advisory);
                }
                Ok(osv::Record::Withdrawn) => self.summary.withdrawn += 1,
                Ok(osv::Record::Elsewhere) => self.summary.elsewhere += 1,
                Err(error) => {
                    self.summary.invalid += 1;
                    self.invalid.push(format!("{place}: {error}"));
                }
            }
        }
    }

    fn finish(&mut self) -> Result<FeedSummary, FeedRefused> {
        if let Some(refused) = self.broken.take() {
            return Err(refused);
        }
        if self.summary.invalid > 0 && !self.skip_invalid {
            let mut why = format!("{} records cannot be read:", self.summary.invalid);
            for invalid in self.invalid.iter().take(NAMED) {
                why += &format!("\n  {invalid}");
            }
            if self.invalid.len() > NAMED {
                why += &format!("\n  and {} more", self.invalid.len() - NAMED);
            }
            return Err(FeedRefused(why + "\nmend them, or import the others with --skip-invalid"));
        }
        if self.summary.records == 0 {
            let FeedSummary { withdrawn, elsewhere, .. } = self.summary;
            let left_out = format!("{withdrawn} withdrawn, {elsewhere} about ecosystems that Bulkhead does not know");
            return Err(FeedRefused(format!("no usable OSV record found ({left_out})")));
        }
        let context = self.context.clone();
        self.summary.digest = self.documents.whole.unwrap_or_else(|| from_aws(&context.finish()));
        Ok(self.summary.clone())
    }
}
