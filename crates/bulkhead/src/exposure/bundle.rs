//! The bundle: an answer with everything that somebody else needs to check it without trusting us.
//!
//! ```text
//! answer.json              the answer
//! bundle.json              which entry records the answer, and its digest
//! checkpoint, key          the log's signed head with its cosignatures, and the public key
//! entries/<N>.json         every cited entry, byte for byte as in the log
//! entries/<N>.tlog-proof   its inclusion proof (C2SP tlog-proof)
//! report.html              for people, printable, no script
//! README.txt               how to replay it
//! ```

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_core::{Code, EntryIndex, Problem, Sha256};
use bulkhead_ledger::note::Note;
use bulkhead_ledger::{Checkpoint, LedgerError, Log, VerifierKey};
use serde::{Deserialize, Serialize};

use super::{Answer, report, zip};

pub(super) const ANSWER: &str = "answer.json";
pub(super) const ABOUT: &str = "bundle.json";
pub(super) const CHECKPOINT: &str = "checkpoint";
pub(super) const KEY: &str = "key";
pub(super) const REPORT: &str = "report.html";
pub(super) const README: &str = "README.txt";
/// A zip without ZIP64 holds this many.
const MOST_MEMBERS: usize = 65_000;

/// What the bundle says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    /// The form of the bundle.
    pub(super) form: String,
    /// The entry that records the answer.
    pub(super) answer_entry: u64,
    /// SHA-256 of every other member: what no signature covers, such as a cosignature of a witness that the receiver does
    /// not know, is held together by it.
    pub(super) members: BTreeMap<String, Sha256>,
}

pub(super) const FORM: &str = "bulkhead-exposure-1";

/// The bundle's bytes. `entry` is the one that records the answer; the checkpoint covers it, and is the cosigned one when
/// that reaches so far.
///
/// # Errors
/// When the ledger cannot be read, or the answer cites more than a zip holds.
pub fn make(log: &Log, key: &VerifierKey, answer: &Answer, entry: u64) -> Result<Vec<u8>, Problem> {
    let broken = |error: LedgerError| Problem::new(Code::LedgerUnavailable, error.to_string());
    let mut members = BTreeMap::new();
    let mut checkpoint = Vec::new();
    for index in entries(answer, entry) {
        let bytes = log.entry_bytes(EntryIndex(index)).map_err(broken)?;
        let proof = log.inclusion_proof(EntryIndex(index)).map_err(broken)?;
        let (Some(bytes), Some(proof)) = (bytes, proof) else {
            return Err(Problem::new(Code::Bug, format!("entry {index} is cited and not in the log")));
        };
        members.insert(entry_name(index), bytes);
        members.insert(proof_name(index), proof.to_bytes());
        // What covers the newest of them is what the report names.
        if index == entry {
            checkpoint = proof.checkpoint;
        }
    }
    if members.len() > MOST_MEMBERS {
        return Err(Problem::new(Code::TooLarge, format!("the answer cites {} entries", members.len() / 2))
            .with_help("ask with --between for a shorter window"));
    }
    members.extend(derived(answer, entry, &checkpoint));
    members.insert(CHECKPOINT.to_owned(), checkpoint);
    members.insert(KEY.to_owned(), format!("{key}\n").into_bytes());
    members.insert(ABOUT.to_owned(), about(&members, entry));
    Ok(zip::write(&members))
}

/// The entries in the bundle: what the answer cites, and the one that records it.
pub(super) fn entries(answer: &Answer, entry: u64) -> BTreeSet<u64> {
    let mut entries = answer.cited();
    entries.insert(entry);
    entries
}

/// The members that follow from the answer and the checkpoint alone: made again by the receiver and compared.
pub(super) fn derived(answer: &Answer, entry: u64, checkpoint: &[u8]) -> BTreeMap<String, Vec<u8>> {
    BTreeMap::from([
        (ANSWER.to_owned(), answer.to_bytes()),
        (REPORT.to_owned(), report::html(answer, entry, &cosigners(checkpoint)).into_bytes()),
        (README.to_owned(), recipe(answer, entry).into_bytes()),
    ])
}

/// Who cosigned that checkpoint, by its own word: every signature's name that is not the log's. A policy says whether it is
/// so.
pub(crate) fn cosigners(checkpoint: &[u8]) -> BTreeSet<String> {
    let (Ok(note), Ok(claimed)) = (Note::parse(checkpoint), Checkpoint::read_unverified(checkpoint)) else {
        return BTreeSet::new();
    };
    let names = note.signatures().iter().map(|signature| signature.name.clone());
    names.filter(|name| name != claimed.origin.as_str()).collect()
}

/// `bundle.json` for these members.
pub(super) fn about(members: &BTreeMap<String, Vec<u8>>, entry: u64) -> Vec<u8> {
    let others = members.iter().filter(|(name, _)| *name != ABOUT);
    let members = others.map(|(name, bytes)| (name.clone(), crate::blob::sha256(bytes))).collect();
    let about = About { form: FORM.to_owned(), answer_entry: entry, members };
    let mut text = serde_json::to_vec_pretty(&about).expect("invariant: plain data is JSON");
    text.push(b'\n');
    text
}

pub(super) fn entry_name(index: u64) -> String {
    format!("entries/{index:012}.json")
}

pub(super) fn proof_name(index: u64) -> String {
    format!("entries/{index:012}.tlog-proof")
}

fn recipe(answer: &Answer, entry: u64) -> String {
    format!(
        "What was exposed: {subject}\n\
         Asked by {by} at {asked}, of the ledger {log}, over its first {size} entries.\n\n\
         Check it yourself, without trusting whoever sent it:\n\n\
         1. Mirror the ledger: its resources are plain files over HTTP below /ledger/ (C2SP tlog-tiles).\n\
         2. Get the ledger's public key by another way than this bundle, and compare it with the file `key`.\n\
         3. Replay:\n\n\
         \x20      bulkhead exposure verify BUNDLE.zip --mirror DIR --key KEY --witness-policy FILE\n\n\
         It verifies the whole mirror, every inclusion proof in entries/, and that entry {entry} records this answer; then\n\
         it answers the question again from the mirror's own first {size} entries and compares every byte. The policy (C2SP\n\
         tlog-policy) is yours: it names the witnesses whose cosignatures you rely on, so that a log that shows others\n\
         another history is found out. Without one, only the log's own signature is checked.\n\n\
         Without Bulkhead: each entries/N.tlog-proof is a C2SP tlog-proof for entries/N.json; any verifier of that format\n\
         checks it. report.html is for reading and printing; answer.json is what is compared.\n\n\
         Words of ~ and 32 digits stand for people, machines and places on them: the ledger has no names of those, so that\n\
         they can be forgotten. Whoever runs the ledger sees the names, and can tell you those that you may know.\n",
        subject = answer.question.subject,
        by = answer.question.by,
        asked = answer.question.asked,
        log = answer.log,
        size = answer.size,
    )
}
