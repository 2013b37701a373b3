//! OSV records (schema 1.7) to advisories.
//!
//! Where the schema leaves room this reader follows what the malicious-packages repository writes: file hashes are in
//! `affected[].database_specific.indicators`. The `sha256` beside each origin is the hash of the *report*, not of a
//! file, and is left alone.

use std::collections::BTreeSet;

use bulkhead_core::{Ecosystem, Sha256};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::store::{Advisory, Affected, Bound, Range};

/// Files that lie in harmless packages too, so that a record that names them says nothing: the empty one, and the one
/// that holds a single newline.
const COMMON_FILES: [&str; 2] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
];
const LONGEST_SUMMARY: usize = 500;
/// Hash lists nest two deep in practice; hostile ones could nest until the stack is gone.
const DEEPEST: usize = 8;

/// What one record is.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// An advisory on at least one package or file that Bulkhead could meet.
    Advisory(Advisory),
    /// Its author has taken it back.
    Withdrawn,
    /// It is about nothing that Bulkhead could meet: other ecosystems, or names that cannot exist.
    Elsewhere,
}

/// The text is not an OSV record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RecordError(String);

/// Reads one record.
///
/// # Errors
/// When it is not JSON, or lacks what the schema makes mandatory (`id`, `modified`), or a member has another type.
pub fn read(json: &[u8]) -> Result<Record, RecordError> {
    // Serde would take a list of the members' values for an object of them.
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(RecordError("it is not a JSON object".to_owned()));
    }
    let raw: Raw = serde_json::from_slice(json).map_err(|error| RecordError(error.to_string()))?;
    if raw.id.is_empty() {
        return Err(RecordError("`id` is empty".to_owned()));
    }
    let modified = read_time("modified", &raw.modified)?;
    if let Some(withdrawn) = &raw.withdrawn {
        read_time("withdrawn", withdrawn)?;
        return Ok(Record::Withdrawn);
    }
    let malicious = is_malicious(&raw);
    let mut files = BTreeSet::new();
    if let Some(indicators) = raw.database_specific.as_ref().and_then(|specific| specific.get("iocs")) {
        collect_hashes(indicators, &mut files, DEEPEST);
    }
    let mut affected = Vec::new();
    for part in raw.affected {
        for member in ["indicators", "iocs"] {
            if let Some(indicators) = part.database_specific.as_ref().and_then(|specific| specific.get(member)) {
                collect_hashes(indicators, &mut files, DEEPEST);
            }
        }
        affected.extend(read_affected(part, malicious));
    }
    for common in COMMON_FILES {
        files.retain(|digest| digest.to_hex() != common);
    }
    if affected.is_empty() && files.is_empty() {
        return Ok(Record::Elsewhere);
    }
    let summary = raw.summary.unwrap_or_default().chars().take(LONGEST_SUMMARY).collect();
    let files = files.into_iter().collect();
    Ok(Record::Advisory(Advisory { id: raw.id, aliases: raw.aliases, summary, malicious, modified, affected, files }))
}

#[derive(Deserialize)]
struct Raw {
    id: String,
    modified: String,
    withdrawn: Option<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    aliases: Vec<String>,
    summary: Option<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    affected: Vec<RawAffected>,
    database_specific: Option<Value>,
}

#[derive(Deserialize)]
struct RawAffected {
    package: Option<RawPackage>,
    #[serde(default, deserialize_with = "null_is_empty")]
    versions: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    ranges: Vec<RawRange>,
    database_specific: Option<Value>,
}

#[derive(Deserialize)]
struct RawPackage {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct RawRange {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    events: Vec<RawBound>,
}

#[derive(Deserialize)]
struct RawBound {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
}

/// Some exporters write `null` for an empty list.
fn null_is_empty<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn read_time(member: &str, text: &str) -> Result<Timestamp, RecordError> {
    let shown: String = text.chars().take(40).collect();
    text.parse().map_err(|_| RecordError(format!("`{member}` is `{shown}`, which is not a time (RFC 3339)")))
}

/// By id, alias or origin; never by the words of a summary.
fn is_malicious(raw: &Raw) -> bool {
    let by_id = |id: &str| id.starts_with("MAL-");
    let origins = raw.database_specific.as_ref().and_then(|specific| specific.get("malicious-packages-origins"));
    by_id(&raw.id) || raw.aliases.iter().any(|alias| by_id(alias)) || origins.is_some()
}

fn read_affected(raw: RawAffected, malicious: bool) -> Option<Affected> {
    let package = raw.package?;
    // `Debian:12`: what follows the colon narrows the ecosystem.
    let named = package.ecosystem.split(':').next().unwrap_or_default();
    let ecosystem = Ecosystem::ALL.into_iter().find(|ecosystem| ecosystem.osv_name().eq_ignore_ascii_case(named))?;
    let name = ecosystem.normalise(&package.name)?;
    let mut ranges: Vec<Range> = raw.ranges.into_iter().filter_map(read_range).collect();
    if malicious && raw.versions.is_empty() && ranges.is_empty() {
        // It calls the package malicious and names no version: then it is all of them.
        ranges.push(Range { bounds: vec![Bound::Introduced("0".to_owned())] });
    }
    Some(Affected::new(ecosystem, name, raw.versions, ranges))
}

/// Commits (`GIT`) are no versions; OSV lists the versions beside them. SEMVER and ECOSYSTEM agree on the ecosystems
/// that Bulkhead knows, where the package's own order counts.
fn read_range(raw: RawRange) -> Option<Range> {
    if raw.kind == "GIT" {
        return None;
    }
    let mut bounds = Vec::with_capacity(raw.events.len());
    for event in raw.events {
        // `limit` only says how far somebody looked.
        bounds.extend(event.introduced.map(Bound::Introduced));
        bounds.extend(event.fixed.map(Bound::Fixed));
        bounds.extend(event.last_affected.map(Bound::LastAffected));
    }
    Some(Range { bounds })
}

/// Every `sha256` anywhere below, as a text or a list of them. What is not a digest is no file hash.
fn collect_hashes(value: &Value, found: &mut BTreeSet<Sha256>, depth: usize) {
    let Some(deeper) = depth.checked_sub(1) else { return };
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_hashes(item, found, deeper)),
        Value::Object(members) => {
            for (name, member) in members {
                if name.eq_ignore_ascii_case("sha256") {
                    let texts = member.as_array().map_or(std::slice::from_ref(member), Vec::as_slice);
                    found.extend(texts.iter().filter_map(Value::as_str).filter_map(|text| text.parse::<Sha256>().ok()));
                } else {
                    collect_hashes(member, found, deeper);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
