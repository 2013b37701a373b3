//! Checkpoints (C2SP tlog-checkpoint): origin, tree size and root, as the text of a signed note.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_core::Sha256;

use crate::cosign::CosignatureError;
use crate::key::{KeyError, Origin, SigningKey, VerifierKey};
use crate::note::{Note, NoteError};

#[cfg(test)]
mod tests;

/// The head of the tree at one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: Origin,
    /// How many entries the tree has.
    pub size: u64,
    /// The root over them.
    pub root: Sha256,
}

/// The bytes are not a checkpoint, or not one of this log.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Not a note, or not signed as it must be.
    #[error("checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The first line cannot name a log.
    #[error("checkpoint: {0}")]
    Origin(#[from] KeyError),
    /// Not the text of a checkpoint.
    #[error("the checkpoint is malformed: {0}")]
    Malformed(&'static str),
    /// Of another log.
    #[error("the checkpoint is of the log `{found}`, not of `{wanted}`")]
    OtherLog {
        /// The log that was asked for.
        wanted: Origin,
        /// The log that the checkpoint names.
        found: Origin,
    },
    /// Of a log that the policy does not name.
    #[error("the witness policy names no log `{0}`")]
    UnknownLog(Origin),
    /// A line in the name of a witness is wrong.
    #[error("checkpoint: {0}")]
    Cosignature(#[from] CosignatureError),
    /// Too few of the witnesses cosigned it.
    #[error("the checkpoint of size {size} has no quorum: {cosigned} of the {known} witnesses cosigned it")]
    NoQuorum {
        /// How many of the known witnesses cosigned.
        cosigned: usize,
        /// How many the policy knows.
        known: usize,
        /// The checkpoint's size.
        size: u64,
    },
}

impl Checkpoint {
    /// The signed note, as it is served at `checkpoint`.
    ///
    /// # Errors
    /// Never for an [`Origin`] that was parsed; the note's own checks are kept all the same.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, CheckpointError> {
        Ok(Note::sign(&self.to_text(), &self.origin, key)?.to_bytes())
    }

    /// Reads a checkpoint that this key signed, for the log of the key's name.
    ///
    /// # Errors
    /// When it is not a checkpoint, the key did not sign it, or it is of another log.
    pub fn verify(note: &[u8], key: &VerifierKey) -> Result<Self, CheckpointError> {
        let checkpoint = Self::from_text(Note::parse(note)?.verify(key)?)?;
        if checkpoint.origin != *key.name() {
            return Err(CheckpointError::OtherLog { wanted: key.name().clone(), found: checkpoint.origin });
        }
        Ok(checkpoint)
    }

    /// Reads what a checkpoint claims, whoever signed it.
    ///
    /// # Errors
    /// When it is not a checkpoint.
    pub fn read_unverified(note: &[u8]) -> Result<Self, CheckpointError> {
        Self::from_text(Note::parse(note)?.unverified_text())
    }

    /// The note's text: three lines.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes()))
    }

    /// Reads a note's text. Extension lines are passed over, as the specification allows.
    ///
    /// # Errors
    /// When it is not the text of a checkpoint.
    pub fn from_text(text: &str) -> Result<Self, CheckpointError> {
        let malformed = CheckpointError::Malformed;
        let text = text.strip_suffix('\n').ok_or(malformed("it does not end in a newline"))?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(malformed("it has fewer than three lines"));
        };
        let size = decimal(size).ok_or(malformed("its size is not a number"))?;
        let root = decode_hash(root).ok_or(malformed("its root is not the base64 of 32 bytes"))?;
        if lines.any(str::is_empty) {
            return Err(malformed("it has an empty line"));
        }
        Ok(Self { origin: origin.parse()?, size, root })
    }
}

/// A decimal number without sign or leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let good = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if good { text.parse().ok() } else { None }
}

/// A hash in base64, as checkpoints and proofs write it.
pub(crate) fn decode_hash(base64: &str) -> Option<Sha256> {
    let bytes: [u8; 32] = STANDARD.decode(base64).ok()?.try_into().ok()?;
    Some(Sha256::from_bytes(bytes))
}
