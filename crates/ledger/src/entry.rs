//! One entry of the ledger: an ask, its verdict and when, as canonical JSON (RFC 8785) under 64 KiB.
//!
//! Canonical means that there is exactly one way to write an entry: keys sorted, no white space, no floats, and what is
//! empty or not known is absent, never `null`. [`Entry::decode`] writes the entry again and compares, so bytes that
//! merely mean the same are refused; [`Entry::check`] tells the same without doing either. Entries hold digests, labels and counts, never prompts, data or secrets
//! (invariant 5 of the design).

use std::collections::BTreeMap;

use bulkhead_core::{Action, Ask, Context, Effect, EntryIndex, Gate, Principal, Reason, Resource, Sha256, Verdict};

use crate::hash::sha256;
use wire::Wire;

pub(crate) mod canonical;
mod time;
mod wire;

#[cfg(test)]
mod tests;

pub use time::{EntryTime, TimeError};

/// The longest encoded entry, in bytes: bundles carry lengths as 16 bits (C2SP tlog-tiles, "Log entries").
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// The version of the entry's form, its member `v`.
pub const ENTRY_VERSION: u8 = 1;

/// How many withheld names an entry spells out; the digest covers all of them.
const WITHHELD_SHOWN: usize = 20;

/// One ask and its verdict, as the ledger keeps it. The index is not part of it until the sequencer has given one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it was judged.
    pub time: EntryTime,
    /// The gate that judged.
    pub gate: Gate,
    /// Who asked.
    pub principal: Principal,
    /// What was asked for.
    pub action: Action,
    /// What it was about.
    pub resource: Resource,
    /// What was decided.
    pub effect: Effect,
    /// Every rule that had a part in it, strictest first.
    pub reasons: Vec<Reason>,
    /// SHA-256 of the policy in force.
    pub policy: Sha256,
    /// Around the ask; its `run` is the entry's member `run`.
    pub context: Context,
    /// What was left out of an index answer.
    pub withheld: Option<Withheld>,
    /// What only control entries have (owner, reason, expiry), by name. Names are `[a-z0-9._-]`, 1 to 64 characters.
    pub detail: BTreeMap<String, String>,
}

/// What was left out of an index answer: how much, which (as a digest), and the first few by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// How many names were left out.
    pub count: u64,
    /// SHA-256 over the sorted names, each followed by a newline.
    pub digest: Sha256,
    /// The first names in that order, at most 20.
    pub first: Vec<String>,
}

/// The bytes are not an entry, or the entry cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not the JSON of an entry.
    #[error("the entry is not understood: {0}")]
    Json(String),
    /// The version is not ours.
    #[error("the entry has version {0}, this program reads version {ENTRY_VERSION}")]
    Version(u8),
    /// The same entry would be written with other bytes.
    #[error("the entry is not canonical JSON: it differs from its only permitted spelling at byte {0}")]
    NotCanonical(usize),
    /// A name in `detail` cannot be one.
    #[error("`{0}` cannot be a name in the entry's detail: 1 to 64 of a-z, 0-9, `.`, `_` and `-`")]
    DetailName(String),
    /// It does not fit even after texts were cut.
    #[error("the entry is {0} bytes long, at most {MAX_ENTRY_BYTES} are possible")]
    TooLong(usize),
    /// The index is not a number that every JSON reader keeps exact.
    #[error("the index {0} is above 2^53 - 1")]
    Index(u64),
}

impl Entry {
    /// The entry of one verdict, judged at `time` under the policy with that digest.
    pub fn new(ask: &Ask, verdict: &Verdict, time: EntryTime, policy: Sha256) -> Self {
        Self {
            time,
            gate: ask.gate,
            principal: ask.principal.clone(),
            action: ask.action,
            resource: ask.resource.clone(),
            effect: verdict.effect,
            reasons: verdict.reasons.clone(),
            policy,
            context: ask.context.clone(),
            withheld: None,
            detail: BTreeMap::new(),
        }
    }

    /// Notes what was left out of an index answer. Nothing left out leaves the entry as it is.
    #[must_use]
    pub fn with_withheld<S: AsRef<str>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.withheld = Withheld::of(names);
        self
    }

    /// Adds one line of detail, for control entries. An empty value is the same as none.
    #[must_use]
    pub fn with_detail(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.detail.insert(name.to_owned(), value);
        }
        self
    }

    /// The canonical bytes at that index. An entry that would be too long has its texts cut, always in the same way:
    /// reasons, help, purpose and client to 1,024, then 256, then 64 bytes (ending in `…`), then only the first 32
    /// reasons, `reasons-left-out` in the detail saying how many went.
    ///
    /// # Errors
    /// When it is too long even so, a detail's name is not one, or the index is above 2^53 - 1.
    pub fn encode(&self, seq: EntryIndex) -> Result<Vec<u8>, EntryError> {
        if let Some(name) = self.detail.keys().find(|name| !wire::is_detail_name(name)) {
            return Err(EntryError::DetailName(name.chars().take(80).collect()));
        }
        let mut wire = Wire::new(self, seq)?;
        let mut bytes = wire.to_bytes()?;
        for step in wire::CUTS {
            if bytes.len() <= MAX_ENTRY_BYTES {
                return Ok(bytes);
            }
            wire.cut(step);
            bytes = wire.to_bytes()?;
        }
        if bytes.len() <= MAX_ENTRY_BYTES { Ok(bytes) } else { Err(EntryError::TooLong(bytes.len())) }
    }

    /// Reads an entry and its index back.
    ///
    /// # Errors
    /// When the bytes are not an entry of this version in its canonical form. Never panics, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<(EntryIndex, Self), EntryError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLong(bytes.len()));
        }
        let wire: Wire = serde_json::from_slice(bytes).map_err(|error| EntryError::Json(error.to_string()))?;
        let (seq, entry) = wire.into_entry()?;
        // Nearly always: one pass over the bytes tells that they are what would be written.
        if canonical::index(bytes) == Some(seq.0) {
            return Ok((seq, entry));
        }
        let canonical = entry.encode(seq)?;
        if canonical != bytes {
            let at = canonical.iter().zip(bytes).take_while(|(ours, theirs)| ours == theirs).count();
            return Err(EntryError::NotCanonical(at));
        }
        Ok((seq, entry))
    }

    /// The index of the entry, when the bytes are one: exactly where [`Entry::decode`] succeeds, in a fraction of its
    /// time, because the entry is not built.
    ///
    /// # Errors
    /// As [`Entry::decode`]. Never panics, whatever the bytes.
    pub fn check(bytes: &[u8]) -> Result<EntryIndex, EntryError> {
        match canonical::index(bytes) {
            Some(index) => Ok(EntryIndex(index)),
            // What is wrong is said by the one that holds the rule.
            None => Self::decode(bytes).map(|(index, _)| index),
        }
    }
}

impl Withheld {
    /// Sums up these names; nothing when there are none. Order and repetition make no difference.
    pub fn of<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Option<Self> {
        let mut names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return None;
        }
        let parts: Vec<&[u8]> = names.iter().flat_map(|name| [name.as_bytes(), b"\n"]).collect();
        let digest = sha256(&parts);
        let first = names.iter().take(WITHHELD_SHOWN).map(|name| wire::cut_text(name, 200)).collect();
        Some(Self { count: names.len() as u64, digest, first })
    }
}
