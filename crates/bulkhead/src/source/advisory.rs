//! Advisories that name a release or a file. Sets `advisory.malicious`, `advisory.vulnerable`, `advisory.summary`;
//! what cannot be told, and a feed past its age, is the Unknown `advisories`.

use bulkhead_core::policy::Settings;
use bulkhead_core::{Duration, Facts, Value};
use jiff::Timestamp;
use pep440_rs::Version;

use super::seed;
use crate::store::{Advisory, Affects, Feed, Release};

/// The source's id.
pub const SOURCE: &str = "advisories";

/// Public feeds of this size change every day, so one whose newest record is old was frozen on its way here. A
/// company's own small feed may well rest for a year.
const LIVELY: u64 = 1_000;

/// Sets which advisories name this version of the project (`by_name`, from [`crate::store::Store::advisories_on`]) or
/// this very file (`of_file`, from [`crate::store::Store::advisories_with_files`]).
pub fn gather(facts: &mut Facts, version: Option<&Version>, by_name: &[Advisory], of_file: &[Advisory]) {
    gather_release(facts, version.cloned().map(Release::Pep440).as_ref(), by_name, of_file);
}

/// The same for a release of any ecosystem.
pub fn gather_release(facts: &mut Facts, release: Option<&Release>, by_name: &[Advisory], of_file: &[Advisory]) {
    let mut matching: Vec<&Advisory> = of_file.iter().collect();
    for advisory in by_name {
        match release.map(|release| names(advisory, release)) {
            Some(Affects::Yes) => matching.push(advisory),
            Some(Affects::No) => {}
            Some(Affects::Unsure { bound }) => {
                facts.unknown(SOURCE, format!("{} has the bound `{bound}`, which is not a version", advisory.id));
            }
            None => {
                facts.unknown(SOURCE, format!("{} names versions, and the file has none that can be read", advisory.id))
            }
        }
    }
    // The sentence that people read is that of the worst.
    matching.sort_by_key(|advisory| !advisory.malicious);
    facts.set("advisory.malicious", ids(&matching, true));
    facts.set("advisory.vulnerable", ids(&matching, false));
    facts.set("advisory.summary", matching.first().map(|advisory| summary(advisory)));
}

/// Notes every feed that is too old to rely on. A feed that was never imported is not missed.
pub fn gather_age(facts: &mut Facts, feeds: &[Feed], settings: &Settings, now: Timestamp) {
    for feed in feeds {
        if let Some(why) = stale(feed, settings.feed_max_age, now) {
            facts.unknown(SOURCE, why);
        }
    }
}

/// Why the feed is too old, if it is. The seed that ships with Bulkhead has no age.
pub fn stale(feed: &Feed, max_age: Duration, now: Timestamp) -> Option<String> {
    if feed.name == seed::FEED {
        return None;
    }
    let too_old = |at: Timestamp| {
        let age = now.as_second() - at.as_second();
        (age > max_age.as_seconds()).then(|| Duration::seconds(age).in_words())
    };
    if let Some(age) = too_old(feed.imported_at) {
        return Some(format!("the feed {} was imported {age} ago", feed.name));
    }
    let newest = feed.summary.newest.filter(|_| feed.summary.records >= LIVELY)?;
    let age = too_old(newest)?;
    Some(format!("the newest of {} records in the feed {} is {age} old", feed.summary.records, feed.name))
}

/// Whether any part of the advisory names the release; unsure only when none surely does.
/// Whether the advisory names that release.
pub fn names(advisory: &Advisory, release: &Release) -> Affects {
    let mut answer = Affects::No;
    for affected in &advisory.affected {
        match affected.affects(release) {
            Affects::Yes => return Affects::Yes,
            Affects::No => {}
            unsure @ Affects::Unsure { .. } => answer = unsure,
        }
    }
    answer
}

fn ids(matching: &[&Advisory], malicious: bool) -> Value {
    let own = matching.iter().filter(|advisory| advisory.malicious == malicious);
    let mut ids: Vec<String> = own.map(|advisory| advisory.id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    Value::List(ids)
}

fn summary(advisory: &Advisory) -> String {
    if advisory.summary.is_empty() { advisory.id.clone() } else { advisory.summary.clone() }
}
