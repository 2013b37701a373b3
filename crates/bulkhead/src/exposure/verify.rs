//! Checking a bundle against the receiver's own mirror, and computing its answer anew.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use bulkhead_core::{EntryIndex, Sha256};
use bulkhead_ledger::merkle::{self, Nodes, OutOfRange, leaf_hash, node_hash};
use bulkhead_ledger::mirror::Mirror;
use bulkhead_ledger::tile::{TILE_WIDTH, TilePath, decode_bundle};
use bulkhead_ledger::verify::{self as log, Report, Source};
use bulkhead_ledger::{Checkpoint, Cosigned, Entry, TlogProof, Trust as _, Trusted, VerifierKey, WitnessPolicy};
use serde::Serialize;

use super::bundle::{self, About};
use super::{Answer, Question, walk, zip};
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
    /// Whether a quorum of witnesses was asked for.
    pub quorum: bool,
    /// The witnesses of the policy that cosigned the bundle's checkpoint.
    pub witnesses: Vec<Witness>,
    /// Others in whose name it is cosigned, which nobody has checked.
    pub unchecked: Vec<String>,
}

/// A witness whose cosignature verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// Its name.
    pub witness: String,
    /// When it cosigned, in seconds after 1970, by its own clock.
    pub timestamp: u64,
}

impl From<Cosigned> for Witness {
    fn from(cosigned: Cosigned) -> Self {
        Self { witness: cosigned.witness.to_string(), timestamp: cosigned.timestamp }
    }
}

/// What the receiver has by another way than the bundle.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// The log's public key.
    pub key: Option<VerifierKey>,
    /// The witnesses that the receiver relies on, and how many of them make a quorum.
    pub policy: Option<WitnessPolicy>,
}

/// Verifies a bundle against a mirror.
///
/// # Errors
/// When the bundle or the mirror cannot be read at all: why. What can be read and is wrong is in the result.
pub fn verify(zip: &[u8], mirror: &Path, own: &Own) -> Result<Verified, String> {
    let told = Bundle::read(zip)?.key;
    Receiver::open(mirror, own, &told)?.check(zip)
}

/// A bundle taken apart; nothing in it is checked yet.
struct Bundle {
    members: BTreeMap<String, Vec<u8>>,
    answer: Answer,
    about: About,
    key: VerifierKey,
}

impl Bundle {
    fn read(zip: &[u8]) -> Result<Self, String> {
        let members = zip::read(zip)?;
        let again = zip::write(&members);
        if again != zip {
            let at = again.iter().zip(zip).take_while(|(ours, theirs)| ours == theirs).count();
            return Err(format!("the zip is not as Bulkhead writes it, from byte {at} on: it was changed on its way"));
        }
        let answer = serde_json::from_str(text(&members, bundle::ANSWER)?)
            .map_err(|error| format!("answer.json is not understood: {error}"))?;
        let about = serde_json::from_str(text(&members, bundle::ABOUT)?)
            .map_err(|error| format!("bundle.json is not understood: {error}"))?;
        let told = text(&members, bundle::KEY)?.strip_suffix('\n').ok_or("the key in the bundle is not one line")?;
        let key = told.parse().map_err(|error| format!("the key in the bundle is none: {error}"))?;
        member(&members, bundle::CHECKPOINT)?;
        Ok(Self { members, answer, about, key })
    }
}

fn member<'a>(members: &'a BTreeMap<String, Vec<u8>>, name: &str) -> Result<&'a Vec<u8>, String> {
    members.get(name).ok_or_else(|| format!("{name} is missing in the bundle"))
}

fn text<'a>(members: &'a BTreeMap<String, Vec<u8>>, name: &str) -> Result<&'a str, String> {
    member(members, name).and_then(|bytes| std::str::from_utf8(bytes).map_err(|_| format!("{name} is not text")))
}

/// A mirror that verified as a whole, and whom its owner trusts. It checks as many bundles as there are.
pub(super) struct Receiver {
    key: VerifierKey,
    own_key: bool,
    /// For that log and no other; without witnesses when the receiver named none.
    policy: WitnessPolicy,
    report: Report,
    entries: Mirrored,
    /// The last question, over so many entries, and its answer: the same question over the same entries has one.
    answered: RefCell<Option<(Question, u64, Answer)>>,
    /// The last checkpoint that counted: nearly all proofs rest on one.
    counted: RefCell<Option<(Vec<u8>, Trusted)>>,
}

impl Receiver {
    /// Opens a mirror; `told` is the key that a bundle carries, which counts only where the receiver has none.
    pub(super) fn open(mirror: &Path, own: &Own, told: &VerifierKey) -> Result<Self, String> {
        let policy = own.policy.clone().unwrap_or_else(WitnessPolicy::none);
        let named = || policy.logs().iter().map(|log| &log.key).find(|key| key.name() == told.name());
        let (key, own_key) = match &own.key {
            Some(key) => (key.clone(), true),
            None if policy.logs().is_empty() => (told.clone(), false),
            None => match policy.logs().iter().map(|log| &log.key).find(|key| *key == told).or_else(named) {
                Some(key) => (key.clone(), true),
                None => return Err(format!("the witness policy names no log `{}`", told.name())),
            },
        };
        let policy = policy.for_log(&key);
        let source = Mirror::new(mirror);
        // Said in so many words, because whoever keeps mirrors of several suppliers takes the wrong one sooner or later.
        let there = std::fs::read_to_string(mirror.join("checkpoint")).unwrap_or_default();
        if let Some(other) = there.lines().next().filter(|origin| *origin != key.name().to_string()) {
            return Err(format!(
                "the mirror in {} is one of the log `{other}`, and this is about `{}`; copy that one: bulkhead ledger mirror DIR --from URL",
                mirror.display(),
                key.name()
            ));
        }
        let report = log::verify(&source, &policy).map_err(|fault| format!("the mirror does not verify: {fault}"))?;
        let entries = Mirrored::read(&source, report.size)?;
        Ok(Self { key, own_key, policy, report, entries, answered: RefCell::default(), counted: RefCell::default() })
    }

    /// Checks a bundle in every part, and answers its question again.
    pub(super) fn check(&self, zip: &[u8]) -> Result<Verified, String> {
        let Bundle { members, answer, about, key: told } = Bundle::read(zip)?;
        let mut wrong = Vec::new();
        if told != self.key {
            wrong.push("the key in the bundle is not the one that was given".to_owned());
        }
        let note = member(&members, bundle::CHECKPOINT)?;
        for (name, bytes) in bundle::derived(&answer, about.answer_entry, note) {
            if members.get(&name) != Some(&bytes) {
                wrong.push(format!("{name} is not what the answer makes"));
            }
        }
        if member(&members, bundle::ABOUT)? != &bundle::about(&members, about.answer_entry) {
            for (name, digest) in &about.members {
                if members.get(name).is_none_or(|bytes| crate::blob::sha256(bytes) != *digest) {
                    wrong.push(format!("{name} is not the member that bundle.json names"));
                }
            }
            wrong.push("bundle.json does not name the members of this bundle".to_owned());
        }
        let proofs = self.proofs(&members, &answer, &about, &mut wrong);
        let cosigned = self.checkpoint(note, about.answer_entry, &mut wrong);
        recorded(&self.entries, &answer, &about, &mut wrong);
        let rows = self.replay(&answer, &mut wrong)?;
        Ok(Verified {
            good: wrong.is_empty(),
            differences: wrong,
            log: self.report.origin.to_string(),
            key_fingerprint: self.key.fingerprint().to_hex(),
            own_key: self.own_key,
            subject: answer.question.subject.to_string(),
            size: answer.size,
            mirrored: self.report.size,
            proofs,
            rows,
            quorum: self.policy.needs_witnesses(),
            witnesses: cosigned.into_iter().map(Witness::from).collect(),
            unchecked: bundle::cosigners(note).into_iter().filter(|name| !self.knows(name)).collect(),
        })
    }

    fn knows(&self, witness: &str) -> bool {
        self.policy.witnesses().iter().any(|known| known.key.name().as_str() == witness)
    }

    fn proofs(
        &self,
        members: &BTreeMap<String, Vec<u8>>,
        answer: &Answer,
        about: &About,
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
            if self.entries.entries.get(*index as usize) != Some(bytes) {
                wrong.push(format!("entry {index} is not what the mirror has"));
            }
            match self.proved(bytes, *index, proof) {
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

    fn proved(&self, entry: &[u8], index: u64, proof: &[u8]) -> Result<(), String> {
        let parsed = TlogProof::parse(proof).map_err(|error| error.to_string())?;
        if parsed.index != index || parsed.extra.is_some() || parsed.to_bytes() != proof {
            return Err("it is not the proof of that entry as Bulkhead writes it".to_owned());
        }
        let Checkpoint { size, root, .. } = self.counts(&parsed.checkpoint)?.checkpoint;
        merkle::verify_inclusion(&leaf_hash(entry), index, size, &root, &parsed.path).map_err(|error| error.to_string())
    }

    /// What a checkpoint says, once it is signed and cosigned as the policy asks and the mirror's own entries have its root.
    fn counts(&self, note: &[u8]) -> Result<Trusted, String> {
        let mut counted = self.counted.borrow_mut();
        if let Some((known, trusted)) = &*counted
            && known == note
        {
            return Ok(trusted.clone());
        }
        let trusted = self.policy.check(note).map_err(|error| error.to_string())?;
        self.entries.agrees(&trusted.checkpoint)?;
        *counted = Some((note.to_vec(), trusted.clone()));
        Ok(trusted)
    }

    /// The checkpoint of the bundle: signed and cosigned as the policy asks, of the mirror's own history, and over the entry
    /// that records the answer.
    fn checkpoint(&self, note: &[u8], answer_entry: u64, wrong: &mut Vec<String>) -> Vec<Cosigned> {
        let checked = self.counts(note).and_then(|trusted| match trusted.checkpoint.size > answer_entry {
            true => Ok(trusted.cosigned),
            false => Err(format!("it does not cover entry {answer_entry}, which records the answer")),
        });
        checked.unwrap_or_else(|why| {
            wrong.push(format!("checkpoint: {why}"));
            Vec::new()
        })
    }

    /// The answer from the mirror's own entries.
    fn replay(&self, answer: &Answer, wrong: &mut Vec<String>) -> Result<usize, String> {
        if answer.size > self.report.size {
            wrong.push(format!("the answer rests on {} entries, the mirror has {}", answer.size, self.report.size));
            return Ok(0);
        }
        let known = self.answered.borrow_mut().take();
        let (question, size, ours) =
            match known.filter(|(asked, size, _)| (asked, *size) == (&answer.question, answer.size)) {
                Some(known) => known,
                None => (answer.question.clone(), answer.size, self.answer(&answer.question, answer.size)?),
            };
        if ours != *answer {
            differences(answer, &ours, wrong);
        }
        let rows = ours.rows.len();
        *self.answered.borrow_mut() = Some((question, size, ours));
        Ok(rows)
    }

    fn answer(&self, question: &Question, size: u64) -> Result<Answer, String> {
        let store = project(&self.entries.entries[..size as usize])?;
        let mut ours = None;
        store
            .look(&mut |graph| {
                ours = Some(walk(graph, question, self.report.origin.as_str())?);
                Ok(())
            })
            .map_err(failed)?;
        ours.ok_or_else(|| "the graph was not looked at".to_owned())
    }
}

fn failed(error: StoreError) -> String {
    format!("the answer could not be computed anew: {error}")
}

/// The graph that these entries make.
fn project(entries: &[Vec<u8>]) -> Result<SqliteStore, String> {
    let store = SqliteStore::in_memory().map_err(failed)?;
    let mut batch = Vec::with_capacity(BATCH);
    for (index, bytes) in (0..).zip(entries) {
        let (claimed, entry) = Entry::decode(bytes).map_err(|error| format!("entry {index}: {error}"))?;
        batch.push((EntryIndex(claimed.0), entry));
        if batch.len() == BATCH {
            store.project(&batch).map_err(failed)?;
            batch.clear();
        }
    }
    store.project(&batch).map_err(failed)?;
    Ok(store)
}

/// The entries of a mirror that verified.
struct Mirrored {
    entries: Vec<Vec<u8>>,
    leaves: Leaves,
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
        Ok(Self { entries, leaves })
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
        let root = merkle::root(&self.leaves, checkpoint.size).map_err(|error| error.to_string())?;
        match root == checkpoint.root {
            true => Ok(()),
            false => Err(format!(
                "the mirror's first {} entries have another root than the bundle's checkpoint",
                checkpoint.size
            )),
        }
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
