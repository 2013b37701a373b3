//! Offline inclusion proofs (C2SP tlog-proof): index, inclusion proof and checkpoint in one text file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_core::Sha256;

use crate::checkpoint::{Checkpoint, CheckpointError, decimal, decode_hash};
use crate::entry::{Entry, EntryError};
use crate::merkle::{self, ProofError, leaf_hash};
use crate::trust::{Trust, Trusted};

#[cfg(test)]
mod tests;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// A tree of fewer than 2^64 entries never needs more.
const MAX_HASHES: usize = 64;

/// A proof that one entry is in the log, to be kept as a `.tlog-proof` file beside the entry's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Opaque data that travels with the proof. Nothing vouches for it.
    pub extra: Option<Vec<u8>>,
    /// The entry's index.
    pub index: u64,
    /// The siblings from the leaf up.
    pub path: Vec<Sha256>,
    /// The checkpoint, verbatim, with every signature it has.
    pub checkpoint: Vec<u8>,
}

/// The bytes are not such a file, or it does not prove the entry.
#[derive(Debug, thiserror::Error)]
pub enum TlogProofError {
    /// Not such a file.
    #[error("the proof file is malformed: {0}")]
    Malformed(&'static str),
    /// The entry's bytes are needed.
    #[error("the proof file does not carry its entry: give the entry's bytes beside it")]
    NoEntry,
    /// The entry in it is none.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// Its checkpoint is none, or not of this log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Its hashes do not lead to the root.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl TlogProof {
    /// Checks that the entry is in the log of that key or policy, and gives the checkpoint that says so.
    ///
    /// # Errors
    /// When the checkpoint is not signed as it must be, or the hashes do not lead from the entry to its root.
    pub fn verify(&self, entry: &[u8], trust: &impl Trust) -> Result<Trusted, TlogProofError> {
        let trusted = trust.check(&self.checkpoint)?;
        let Checkpoint { size, root, .. } = &trusted.checkpoint;
        merkle::verify_inclusion(&leaf_hash(entry), self.index, *size, root, &self.path)?;
        Ok(trusted)
    }

    /// Checks the entry that travels with the proof as its extra data, as `bulkhead ledger prove` writes it: nothing
    /// vouches for the extra data except the proof itself, which is enough.
    ///
    /// # Errors
    /// As [`TlogProof::verify`]; also when the file carries no entry, or the entry says that it has another index.
    pub fn verify_carried(&self, trust: &impl Trust) -> Result<(Entry, Trusted), TlogProofError> {
        let bytes = self.extra.as_deref().ok_or(TlogProofError::NoEntry)?;
        let trusted = self.verify(bytes, trust)?;
        let (index, entry) = Entry::decode(bytes)?;
        if index.0 != self.index {
            return Err(TlogProofError::Malformed("the entry in it says that it has another index"));
        }
        Ok((entry, trusted))
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{FIRST_LINE}\n");
        if let Some(extra) = &self.extra {
            text.push_str(&format!("extra {}\n", STANDARD.encode(extra)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.path {
            text.push_str(&format!("{}\n", STANDARD.encode(hash.as_bytes())));
        }
        text.push('\n');
        [text.as_bytes(), &self.checkpoint].concat()
    }

    /// Reads such a file. Never panics, whatever the bytes.
    ///
    /// # Errors
    /// When the bytes are not such a file, or what follows the proof is not a checkpoint.
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofError> {
        let malformed = TlogProofError::Malformed;
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(malformed("it has no blank line"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(malformed("its first line is not `c2sp.org/tlog-proof@v1`"));
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            None => None,
            Some(base64) => {
                let extra = STANDARD.decode(base64).map_err(|_| malformed("its extra data is not base64"))?;
                lines.next();
                Some(extra)
            }
        };
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = index.ok_or(malformed("it has no index"))?;
        let path = lines.map(decode_hash).collect::<Option<Vec<_>>>();
        let path = path.filter(|path| path.len() <= MAX_HASHES).ok_or(malformed("a line is not a hash in base64"))?;
        Checkpoint::read_unverified(checkpoint.as_bytes())?;
        Ok(Self { extra, index, path, checkpoint: checkpoint.as_bytes().to_vec() })
    }
}
