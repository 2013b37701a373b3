//! Entries as OCSF 1.9 events: API Activity (6003) with the profiles security_control and record_integrity.
//!
//! A translation for the tools that read OCSF; the ledger stays the record. Each event carries the entry's own bytes
//! (`raw_data`) with their digest, so that whoever holds the event can go back to the log, and an attestation: a
//! fingerprint over the event in JCS (RFC 8785), chained to the event before it in the same export.

use bulkhead_core::{Action, Effect, EntryIndex};
use bulkhead_ledger::{Entry, Origin, sha256};
use serde_json::{Map, Value, json};

#[cfg(test)]
mod tests;

/// The version that the events say they have.
pub const VERSION: &str = "1.9.0";
const CLASS: u64 = 6003;

/// One export: a chain of events.
pub struct Export {
    origin: Origin,
    chain: Option<String>,
    before: Option<(String, u64, String)>,
}

/// An event cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("entry {0} cannot be written as an OCSF event: {1}")]
pub struct OcsfError(EntryIndex, String);

impl Export {
    /// A chain of events of that log.
    pub fn new(origin: Origin) -> Self {
        Self { origin, chain: None, before: None }
    }

    /// The event of the next entry; entries come in their order, with gaps where some are left out.
    ///
    /// # Errors
    /// When the bytes of the entry are not text, or JSON does not take the event.
    pub fn event(&mut self, index: EntryIndex, entry: &Entry, bytes: &[u8]) -> Result<Value, OcsfError> {
        let raw = std::str::from_utf8(bytes).map_err(|error| OcsfError(index, error.to_string()))?;
        let uid = format!("{}#{index}", self.origin);
        let chain = self.chain.get_or_insert_with(|| format!("{}@{index}", self.origin)).clone();
        let activity = activity(entry.action);
        let kind = CLASS * 100 + activity.0;
        let mut attestation = json!({ "uid": uid, "authority_uid": self.origin.as_str(), "chain_uid": chain });
        if let Some((uid, kind, fingerprint)) = &self.before {
            attestation["prev_event"] = json!({ "uid": uid, "type_uid": kind, "fingerprint": hash(fingerprint, true) });
        }
        let mut event = self.body(&uid, index, entry, raw);
        for (key, value) in
            [("activity_id", json!(activity.0)), ("activity_name", json!(activity.1)), ("type_uid", json!(kind))]
        {
            event.insert(key.to_owned(), value);
        }
        event.insert("attestation_list".to_owned(), json!([attestation]));
        let mut event = Value::Object(event);
        // serde_json keeps members sorted and writes no white space: with no floats in it, that is JCS.
        let canonical = serde_json::to_vec(&event).map_err(|error| OcsfError(index, error.to_string()))?;
        let fingerprint = sha256(&[&canonical]).to_hex();
        event["attestation_list"][0]["fingerprint"] = hash(&fingerprint, true);
        self.before = Some((uid, kind, fingerprint));
        Ok(event)
    }

    fn body(&self, uid: &str, index: EntryIndex, entry: &Entry, raw: &str) -> Map<String, Value> {
        let passes = entry.effect.passes();
        let (action, disposition) = disposition(entry.effect);
        let reason = entry.reasons.first();
        let mut resource = Map::new();
        let named = entry.resource.purl.as_ref().map(ToString::to_string).or(entry.resource.file.clone());
        resource.insert("name".to_owned(), json!(named.unwrap_or_else(|| entry.action.to_string())));
        resource.insert("type".to_owned(), json!(entry.gate.as_str()));
        if let Some(digest) = &entry.resource.digest {
            resource.insert("uid".to_owned(), json!(format!("sha256:{digest}")));
        }
        if let Some(file) = &entry.resource.file {
            resource.insert("data".to_owned(), json!({ "file": file }));
        }
        let mut endpoint = Map::new();
        match entry.context.address.as_deref() {
            Some(address) if address.parse::<std::net::IpAddr>().is_ok() => {
                endpoint.insert("ip".to_owned(), json!(address))
            }
            Some(pseudonym) => endpoint.insert("uid".to_owned(), json!(pseudonym)),
            None => endpoint.insert("svc_name".to_owned(), json!("bulkhead")),
        };
        let mut metadata = json!({
            "version": VERSION,
            "product": { "name": "Bulkhead", "vendor_name": "Bulkhead", "version": env!("CARGO_PKG_VERSION") },
            "profiles": ["security_control", "record_integrity"],
            "log_name": self.origin.as_str(),
            "uid": uid,
            "sequence": index.0,
        });
        if let Some(run) = &entry.context.run {
            metadata["correlation_uid"] = json!(run.to_string());
        }
        let text = reason.map_or_else(|| format!("{} {}", entry.action, entry.effect), |reason| reason.text.clone());
        let severity = match entry.detail.get("severity").map(String::as_str) {
            Some("high") => (4, "High"),
            _ if passes => (1, "Informational"),
            _ => (3, "Medium"),
        };
        let event = json!({
            "category_uid": 6,
            "category_name": "Application Activity",
            "class_uid": CLASS,
            "class_name": "API Activity",
            "severity_id": severity.0,
            "severity": severity.1,
            "time": entry.time.unix_millis(),
            "timezone_offset": 0,
            "message": text,
            "status_id": if passes { 1 } else { 2 },
            "status": if passes { "Success" } else { "Failure" },
            "status_code": entry.effect.to_string(),
            "metadata": metadata,
            "actor": { "user": { "name": entry.principal.as_str() } },
            "api": { "operation": entry.action.as_str(), "service": { "name": entry.gate.as_str() } },
            "resources": [resource],
            "src_endpoint": endpoint,
            "action_id": action.0,
            "action": action.1,
            "disposition_id": disposition.0,
            "disposition": disposition.1,
            "policy": { "uid": entry.policy.to_hex(), "name": reason.map_or("none", |reason| reason.rule.as_str()) },
            "raw_data": raw,
            "raw_data_hash": hash(&sha256(&[raw.as_bytes()]).to_hex(), false),
            "raw_data_size": raw.len(),
        });
        let Value::Object(mut event) = event else { return Map::new() };
        if let Some(client) = &entry.context.client {
            event.insert("http_request".to_owned(), json!({ "user_agent": client }));
        }
        event
    }
}

/// A SHA-256 as OCSF writes it. `canonical`: over JCS, and not over bytes as they are.
fn hash(hex: &str, canonical: bool) -> Value {
    let mut hash =
        json!({ "algorithm_id": 3, "algorithm": "SHA-256", "encoding_id": 1, "encoding": "Hex", "value": hex });
    if canonical {
        hash["serialization_id"] = json!(2);
        hash["serialization"] = json!("JCS");
    }
    hash
}

fn activity(action: Action) -> (u64, &'static str) {
    let word = action.as_str();
    if matches!(word, "list" | "fetch" | "metadata") {
        (2, "Read")
    } else if word.ends_with("-create") || word.ends_with("-add") || word.ends_with("-import") {
        (1, "Create")
    } else if word.ends_with("-load") || word.starts_with("review-") || word == "checkpoint" {
        (3, "Update")
    } else if word.ends_with("-revoke") || word.ends_with("-erase") {
        (4, "Delete")
    } else {
        (99, "Other")
    }
}

/// `action_id` and `disposition_id` of the profile security_control.
fn disposition(effect: Effect) -> ((u64, &'static str), (u64, &'static str)) {
    match effect {
        Effect::Allow => ((1, "Allowed"), (1, "Allowed")),
        Effect::Transform => ((4, "Modified"), (11, "Corrected")),
        Effect::Hold => ((2, "Denied"), (3, "Quarantined")),
        Effect::Deny => ((2, "Denied"), (2, "Blocked")),
    }
}
