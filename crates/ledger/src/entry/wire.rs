//! The entry as JSON: members in sorted order, what is empty absent. Only this file knows the spelling.

use std::collections::BTreeMap;

use bulkhead_core::{Action, Context, Effect, EntryIndex, Gate, Principal, Purl, Reason, Resource, RunId, Sha256};
use serde::{Deserialize, Serialize};

use super::{ENTRY_VERSION, Entry, EntryError, Withheld};

/// I-JSON (RFC 7493): above it, readers that use doubles lose digits.
pub(super) const MAX_INDEX: u64 = (1 << 53) - 1;

/// How an entry that is too long is cut, step by step.
pub(super) const CUTS: [Cut; 4] = [
    Cut { text: 1024, reasons: usize::MAX },
    Cut { text: 256, reasons: usize::MAX },
    Cut { text: 64, reasons: usize::MAX },
    Cut { text: 64, reasons: 32 },
];

/// One step of cutting: the longest text in bytes, the most reasons.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    text: usize,
    reasons: usize,
}

// Serde writes members in the order of the fields, and every name is ASCII: sorted fields are sorted keys.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    action: Action,
    #[serde(default, skip_serializing_if = "WireContext::is_empty")]
    context: WireContext,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    detail: BTreeMap<String, String>,
    effect: Effect,
    gate: Gate,
    policy: Sha256,
    principal: Principal,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<WireReason>,
    #[serde(default, skip_serializing_if = "WireResource::is_empty")]
    resource: WireResource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
    seq: u64,
    time: String,
    v: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withheld: Option<WireWithheld>,
}

#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireContext {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireReason {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    audit: bool,
    effect: Effect,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    excepted_by: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    help: String,
    rule: String,
    text: String,
}

#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireResource {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Sha256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    purl: Option<Purl>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireWithheld {
    count: u64,
    digest: Sha256,
    first: Vec<String>,
}

impl WireContext {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl WireResource {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Wire {
    pub(super) fn new(entry: &Entry, seq: EntryIndex) -> Result<Self, EntryError> {
        if seq.0 > MAX_INDEX {
            return Err(EntryError::Index(seq.0));
        }
        let Resource { purl, file, digest, host } = entry.resource.clone();
        let Context { run, purpose, client, address } = entry.context.clone();
        let withheld = entry.withheld.clone();
        Ok(Self {
            action: entry.action,
            context: WireContext { address, client, purpose },
            detail: entry.detail.clone(),
            effect: entry.effect,
            gate: entry.gate,
            policy: entry.policy,
            principal: entry.principal.clone(),
            reasons: entry.reasons.iter().cloned().map(WireReason::from).collect(),
            resource: WireResource { digest, file, host, purl },
            run,
            seq: seq.0,
            time: entry.time.to_string(),
            v: ENTRY_VERSION,
            withheld: withheld.map(|Withheld { count, digest, first }| WireWithheld { count, digest, first }),
        })
    }

    pub(super) fn into_entry(self) -> Result<(EntryIndex, Entry), EntryError> {
        if self.v != ENTRY_VERSION {
            return Err(EntryError::Version(self.v));
        }
        let WireResource { digest, file, host, purl } = self.resource;
        let WireContext { address, client, purpose } = self.context;
        let entry = Entry {
            time: self.time.parse().map_err(|error: super::TimeError| EntryError::Json(error.to_string()))?,
            gate: self.gate,
            principal: self.principal,
            action: self.action,
            resource: Resource { purl, file, digest, host },
            effect: self.effect,
            reasons: self.reasons.into_iter().map(Reason::from).collect(),
            policy: self.policy,
            context: Context { run: self.run, purpose, client, address },
            withheld: self.withheld.map(|WireWithheld { count, digest, first }| Withheld { count, digest, first }),
            detail: self.detail,
        };
        Ok((EntryIndex(self.seq), entry))
    }

    /// The JSON. serde_json escapes exactly as RFC 8785, section 3.2.2.2, asks.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, EntryError> {
        serde_json::to_vec(self).map_err(|error| EntryError::Json(error.to_string()))
    }

    pub(super) fn cut(&mut self, step: Cut) {
        for reason in &mut self.reasons {
            reason.text = cut_text(&reason.text, step.text);
            reason.help = cut_text(&reason.help, step.text);
        }
        for text in [&mut self.context.client, &mut self.context.purpose].into_iter().flatten() {
            *text = cut_text(text, step.text);
        }
        if self.reasons.len() > step.reasons {
            let left_out = self.reasons.len() - step.reasons;
            self.reasons.truncate(step.reasons);
            self.detail.insert("reasons-left-out".to_owned(), left_out.to_string());
        }
    }
}

impl From<Reason> for WireReason {
    fn from(Reason { rule, effect, text, help, audit, excepted_by }: Reason) -> Self {
        Self { audit, effect, excepted_by, help, rule, text }
    }
}

impl From<WireReason> for Reason {
    fn from(WireReason { audit, effect, excepted_by, help, rule, text }: WireReason) -> Self {
        Self { rule, effect, text, help, audit, excepted_by }
    }
}

/// The text in at most `limit` bytes; what was cut ends in `…`. Cutting twice is the same as once.
pub(super) fn cut_text(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit - '…'.len_utf8());
    format!("{}…", &text[..end])
}

pub(super) fn is_detail_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(good)
}
