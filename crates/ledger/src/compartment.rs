//! A log per compartment, and a root log whose entries are the compartments' checkpoints.
//!
//! A partner mirrors the complete log of its own compartment, and sees nothing of the others. The root log holds each of
//! that log's checkpoints, so whoever watches the root (a witness, every partner) holds the operator to one history of
//! every compartment. An installation with one compartment has one log, which is its root, and knows nothing of this.
//!
//! A checkpoint in the root is an ordinary entry: gate `control`, action `checkpoint`, the signed note in its detail.

use bulkhead_core::{Action, Ask, Context, Effect, Gate, Principal, Resource, Sha256, Verdict};

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::entry::{Entry, EntryTime};
use crate::hash::sha256;
use crate::key::VerifierKey;
use crate::trust::Trust;
use crate::verify::{Fault, Report, Source, verify_visiting};

#[cfg(test)]
mod tests;

/// The line of detail that holds the note.
const NOTE: &str = "checkpoint";

/// The root log's entry for a compartment's checkpoint.
///
/// # Errors
/// When the note is no checkpoint.
pub fn entry(note: &[u8], time: EntryTime, policy: Sha256) -> Result<Entry, CheckpointError> {
    let checkpoint = Checkpoint::read_unverified(note)?;
    let ask = Ask {
        gate: Gate::Control,
        principal: Principal::new("bulkhead"),
        action: Action::Checkpoint,
        resource: Resource { digest: Some(sha256(&[note])), ..Resource::default() },
        context: Context::default(),
    };
    let entry = Entry::new(&ask, &Verdict::plain(Effect::Allow), time, policy);
    let entry =
        entry.with_detail("origin", checkpoint.origin.as_str()).with_detail("size", checkpoint.size.to_string());
    Ok(entry.with_detail(NOTE, String::from_utf8_lossy(note)))
}

/// The note in such an entry; nothing in any other.
pub fn note(entry: &Entry) -> Option<&[u8]> {
    let note = entry.detail.get(NOTE).filter(|_| entry.action == Action::Checkpoint)?;
    (entry.resource.digest == Some(sha256(&[note.as_bytes()]))).then_some(note.as_bytes())
}

/// What the root log says of a compartment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchored {
    /// The root log.
    pub root: Report,
    /// The compartment's log.
    pub compartment: Report,
    /// How many of the compartment's checkpoints are in the root; each was compared.
    pub checkpoints: u64,
    /// The size of the newest of them: entries of the compartment behind it are under its own checkpoint only.
    pub anchored: u64,
}

/// Verifies the root log, the compartment's log, and that every checkpoint of the compartment in the root is one of the
/// history that the compartment shows: none of another history, none shorter than one before.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_anchored<R: Source, C: Source>(
    root: &R,
    trust: &impl Trust,
    compartment: &C,
    key: &VerifierKey,
) -> Result<Anchored, Fault> {
    let mut checkpoints: Vec<(u64, Checkpoint)> = Vec::new();
    let root_report = verify_visiting(root, trust, |_, index, bytes| {
        let (_, entry) = Entry::decode(bytes).map_err(|source| Fault::Entry { index, source })?;
        let named = note(&entry).filter(|_| entry.detail.get("origin").is_some_and(|name| name == key.name().as_str()));
        if let Some(note) = named {
            let checkpoint = Checkpoint::verify(note, key)?;
            if checkpoints.last().is_some_and(|(_, before)| before.size > checkpoint.size) {
                return Err(Fault::Anchor { index, what: "it is shorter than one before it" });
            }
            checkpoints.push((index, checkpoint));
        }
        Ok(())
    })?;
    let mut left = checkpoints.iter().peekable();
    let mut compare = |size: u64, computed: &dyn Fn() -> Sha256| {
        while let Some((index, anchor)) = left.next_if(|(_, anchor)| anchor.size == size) {
            if anchor.root != computed() {
                return Err(Fault::Anchor {
                    index: *index,
                    what: "it has another root than the compartment at that size",
                });
            }
        }
        Ok(())
    };
    let compartment_report = verify_visiting(compartment, key, |edge, _, _| compare(edge.size(), &|| edge.root()))?;
    compare(compartment_report.size, &|| compartment_report.root)?;
    if let Some((index, _)) = left.next() {
        return Err(Fault::Anchor { index: *index, what: "it covers more entries than the compartment shows" });
    }
    Ok(Anchored {
        root: root_report,
        compartment: compartment_report,
        checkpoints: checkpoints.len() as u64,
        anchored: checkpoints.last().map_or(0, |(_, anchor)| anchor.size),
    })
}
