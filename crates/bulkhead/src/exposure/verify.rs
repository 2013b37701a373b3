//! Checking a bundle against the receiver's own mirror, and computing its answer anew.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use bulkhead_core::{EntryIndex, Sha256};
use bulkhead_ledger::merkle::{self, Nodes, OutOfRange, leaf_hash, node_hash};
use bulkhead_ledger::mirror::Mirror;
use bulkhead_ledger::tile::{TILE_WIDTH, TilePath, decode_bundle};
use bulkhead_ledger::verify::{self as log, Source};
use bulkhead_ledger::{Checkpoint, Entry, TlogProof, VerifierKey};
use serde::Serialize;

use super::bundle::{self, About};
use super::{Answer, walk, zip};
use crate::store::{SqliteStore, Store, StoreError};

/// Entries projected at once.
const BATCH: usize = 2_000;

/// What was verified, or where it differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Whether everything holds.
    pub good: bool,
    /// What is wrong, each in a sentence.
    pub differences: Vec<String>,
    /// The log.
    pub log: String,
    /// SHA-256 of its public key, to compare by another way.
    pub key_fingerprint: String,
    /// Whether the key came from the receiver and not from the bundle.
    pub own_key: bool,
    /// The question.
    pub subject: String,
    /// How many entries the answer rests on.
    pub size: u64,
    /// How many entries the mirror has.
    pub mirrored: u64,
    /// How many inclusion proofs were checked.
    pub proofs: usize,
    /// How many rows were computed anew.
    pub rows: usize,
}

/// Verifies a bundle. `key` is the log's public key when the receiver has it from elsewhere.
///
/// # Errors
/// When the bundle or the mirror cannot be read at all: why. What can be read and is wrong is in the result.
pub fn verify(zip: &[u8], mirror: &Path, key: Option<VerifierKey>) -> Result<Verified, String> {
    let members = zip::read(zip)?;
    let mut wrong = Vec::new();
    let again = zip::write(&members);
    if again != zip {
        let at = again.iter().zip(zip).take_while(|(ours, theirs)| ours == theirs).count();
        wrong.push(format!("the zip is not as Bulkhead writes it, from byte {at} on"));
    }
    let member = |name: &str| members.get(name).ok_or_else(|| format!("{name} is missing in the bundle"));
    let text = |name: &str| {
        member(name).and_then(|bytes| std::str::from_utf8(bytes).map_err(|_| format!("{name} is not text")))
    };
    let answer: Answer = serde_json::from_str(text(bundle::ANSWER)?)
        .map_err(|error| format!("answer.json is not understood: {error}"))?;
    let about: About = serde_json::from_str(text(bundle::ABOUT)?)
        .map_err(|error| format!("bundle.json is not understood: {error}"))?;
    let told = text(bundle::KEY)?.strip_suffix('\n').ok_or("the key in the bundle is not one line")?;
    let told: VerifierKey = told.parse().map_err(|error| format!("the key in the bundle is none: {error}"))?;
    let own_key = key.is_some();
    let key = key.unwrap_or_else(|| told.clone());
    if key.to_string() != told.to_string() {
        wrong.push("the key in the bundle is not the one that was given".to_owned());
    }
    let source = Mirror::new(mirror);
    let report = log::verify(&source, &key).map_err(|fault| format!("the mirror does not verify: {fault}"))?;
    let entries = Mirrored::read(&source, report.size)?;

    for (name, bytes) in bundle::derived(&answer, about.answer_entry) {
        if members.get(&name) != Some(&bytes) {
            wrong.push(format!("{name} is not what the answer makes"));
        }
    }
    if member(bundle::ABOUT)? != &bundle::about(&members, about.answer_entry) {
        for (name, digest) in &about.members {
            if members.get(name).is_none_or(|bytes| crate::blob::sha256(bytes) != *digest) {
                wrong.push(format!("{name} is not the member that bundle.json names"));
            }
        }
        wrong.push("bundle.json does not name the members of this bundle".to_owned());
    }
    let proofs = entries.proofs(&members, &answer, &about, &key, &mut wrong);
    checkpoint(member(bundle::CHECKPOINT)?, &key, &entries, &mut wrong);
    recorded(&entries, &answer, &about, &mut wrong);
    let rows = replay(&entries, &answer, &mut wrong)?;
    Ok(Verified {
        good: wrong.is_empty(),
        differences: wrong,
        log: report.origin.to_string(),
        key_fingerprint: key.fingerprint().to_hex(),
        own_key,
        subject: answer.question.subject.to_string(),
        size: answer.size,
        mirrored: report.size,
        proofs,
        rows,
    })
}

/// The entries of a mirror that verified.
struct Mirrored {
    entries: Vec<Vec<u8>>,
    leaves: Leaves,
    /// Roots by size: nearly all proofs are against one checkpoint.
    roots: RefCell<BTreeMap<u64, Sha256>>,
}

struct Leaves(Vec<Sha256>);

impl Nodes for Leaves {
    type Error = OutOfRange;

    fn node(&self, level: u32, index: u64) -> Result<Sha256, OutOfRange> {
        if level == 0 {
            return Ok(self.0[index as usize]);
        }
        Ok(node_hash(&self.node(level - 1, index * 2)?, &self.node(level - 1, index * 2 + 1)?))
    }
}

impl Mirrored {
    fn read(source: &Mirror, size: u64) -> Result<Self, String> {
        let mut entries = Vec::new();
        while (entries.len() as u64) < size {
            let start = entries.len() as u64;
            let width = TILE_WIDTH.min(size - start) as u16;
            let path = TilePath::entries(start / TILE_WIDTH, width).to_string();
            let bytes = source.read(&path).map_err(|error| format!("{path}: {error}"))?;
            let bytes = bytes.ok_or_else(|| format!("{path} is missing in the mirror"))?;
            let bundle = decode_bundle(&bytes, width).map_err(|error| format!("{path}: {error}"))?;
            entries.extend(bundle.into_iter().map(<[u8]>::to_vec));
        }
        let leaves = Leaves(entries.iter().map(|entry| leaf_hash(entry)).collect());
        Ok(Self { entries, leaves, roots: RefCell::default() })
    }

    /// Whether the mirror's own first entries have the root that a checkpoint signs.
    fn agrees(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        if checkpoint.size > self.entries.len() as u64 {
            return Err(format!(
                "the mirror has {} entries and the bundle's checkpoint covers {}: bring the mirror up to date",
                self.entries.len(),
                checkpoint.size
            ));
        }
        let known = self.roots.borrow().get(&checkpoint.size).copied();
        let root = match known {
            Some(root) => root,
            None => merkle::root(&self.leaves, checkpoint.size).map_err(|error| error.to_string())?,
        };
        self.roots.borrow_mut().insert(checkpoint.size, root);
        match root == checkpoint.root {
            true => Ok(()),
            false => Err(format!(
                "the mirror's first {} entries have another root than the bundle's checkpoint",
                checkpoint.size
            )),
        }
    }

    fn proofs(
        &self,
        members: &BTreeMap<String, Vec<u8>>,
        answer: &Answer,
        about: &About,
        key: &VerifierKey,
        wrong: &mut Vec<String>,
    ) -> usize {
        let cited = bundle::entries(answer, about.answer_entry);
        let mut count = 0;
        for index in &cited {
            let (entry, proof) = (bundle::entry_name(*index), bundle::proof_name(*index));
            let (Some(bytes), Some(proof)) = (members.get(&entry), members.get(&proof)) else {
                wrong.push(format!("entry {index} is cited, and it or its proof is missing in the bundle"));
                continue;
            };
            if self.entries.get(*index as usize) != Some(bytes) {
                wrong.push(format!("entry {index} is not what the mirror has"));
            }
            match checked(bytes, *index, proof, key).and_then(|checkpoint| self.agrees(&checkpoint)) {
                Ok(()) => count += 1,
                Err(why) => wrong.push(format!("the proof of entry {index}: {why}")),
            }
        }
        let expected = 2 * cited.len() + 6;
        if members.len() != expected {
            wrong.push(format!("the bundle has {} members, {expected} are expected", members.len()));
        }
        count
    }
}

fn checked(entry: &[u8], index: u64, proof: &[u8], key: &VerifierKey) -> Result<Checkpoint, String> {
    let parsed = TlogProof::parse(proof).map_err(|error| error.to_string())?;
    if parsed.index != index || parsed.extra.is_some() || parsed.to_bytes() != proof {
        return Err("it is not the proof of that entry as Bulkhead writes it".to_owned());
    }
    parsed.verify(entry, key).map_err(|error| error.to_string())?;
    Checkpoint::verify(&parsed.checkpoint, key).map_err(|error| error.to_string())
}

fn checkpoint(note: &[u8], key: &VerifierKey, entries: &Mirrored, wrong: &mut Vec<String>) {
    let agreed = Checkpoint::verify(note, key).map_err(|error| error.to_string());
    if let Err(why) = agreed.and_then(|checkpoint| entries.agrees(&checkpoint)) {
        wrong.push(format!("checkpoint: {why}"));
    }
}

/// The entry that records the answer, in the mirror: same digest, same question, after all that the answer rests on.
fn recorded(entries: &Mirrored, answer: &Answer, about: &About, wrong: &mut Vec<String>) {
    let entry = entries.entries.get(about.answer_entry as usize).and_then(|bytes| Entry::decode(bytes).ok());
    let Some((_, entry)) = entry else {
        return wrong.push(format!("the mirror has no entry {} that could record the answer", about.answer_entry));
    };
    let detail = |name: &str| entry.detail.get(name).map(String::as_str).unwrap_or_default();
    let (digest, size) = (answer.digest().to_hex(), answer.size.to_string());
    if entry.action != bulkhead_core::Action::Exposure
        || detail("answer") != digest
        || detail("size") != size
        || entry.principal.as_str() != answer.question.by
        || about.form != bundle::FORM
    {
        wrong.push(format!("entry {} does not record this answer", about.answer_entry));
    }
    if about.answer_entry < answer.size {
        wrong.push("the answer claims to rest on the entry that records it".to_owned());
    }
}

/// The answer from the mirror's own entries.
fn replay(entries: &Mirrored, answer: &Answer, wrong: &mut Vec<String>) -> Result<usize, String> {
    if answer.size > entries.entries.len() as u64 {
        wrong.push(format!("the answer rests on {} entries, the mirror has {}", answer.size, entries.entries.len()));
        return Ok(0);
    }
    let failed = |error: StoreError| format!("the answer could not be computed anew: {error}");
    let store = SqliteStore::in_memory().map_err(failed)?;
    let mut batch = Vec::with_capacity(BATCH);
    for (index, bytes) in (0..).zip(&entries.entries[..answer.size as usize]) {
        let (claimed, entry) = Entry::decode(bytes).map_err(|error| format!("entry {index}: {error}"))?;
        batch.push((EntryIndex(claimed.0), entry));
        if batch.len() == BATCH {
            store.project(&batch).map_err(failed)?;
            batch.clear();
        }
    }
    store.project(&batch).map_err(failed)?;
    let mut ours = None;
    store
        .look(&mut |graph| {
            ours = Some(walk(graph, &answer.question, &answer.log)?);
            Ok(())
        })
        .map_err(failed)?;
    let ours = ours.ok_or("the graph was not looked at")?;
    if ours.to_bytes() != answer.to_bytes() {
        differences(answer, &ours, wrong);
    }
    Ok(ours.rows.len())
}

fn differences(theirs: &Answer, ours: &Answer, wrong: &mut Vec<String>) {
    let before = wrong.len();
    for row in &theirs.rows {
        match ours.rows.iter().find(|own| (own.stage, &own.name) == (row.stage, &row.name)) {
            None => wrong.push(format!("{} {}: in the answer, not in the mirror", row.stage.word(), row.name)),
            Some(own) if own != row => {
                let (theirs, ours) = (row.grade.words(), own.grade.words());
                wrong.push(format!("{} {}: the answer says {theirs}, the mirror {ours}", row.stage.word(), row.name));
            }
            Some(_) => {}
        }
    }
    for row in &ours.rows {
        if !theirs.rows.iter().any(|other| (other.stage, &other.name) == (row.stage, &row.name)) {
            wrong.push(format!("{} {}: in the mirror, not in the answer", row.stage.word(), row.name));
        }
    }
    if theirs.gaps != ours.gaps {
        wrong.push("the gaps of the record are others in the mirror".to_owned());
    }
    if wrong.len() == before {
        wrong.push("the mirror makes another answer: window, edges or totals differ".to_owned());
    }
}
