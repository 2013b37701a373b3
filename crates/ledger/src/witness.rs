//! The log's half of the witness protocol (C2SP tlog-witness), without the network: what to send, what the answer means.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_core::Sha256;

use crate::checkpoint::{Checkpoint, CheckpointError, decimal};
use crate::cosign::{Cosigned, WitnessKey};
use crate::note::{Note, NoteError};

#[cfg(test)]
mod tests;

/// Below a witness's submission prefix.
pub const ADD_CHECKPOINT: &str = "add-checkpoint";
/// More is no answer of a witness: a few signature lines, the longest about 3.3 kB.
pub const MAX_ANSWER: usize = 1 << 16;

/// What a witness said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It cosigned: its signature lines, each of which verified.
    Cosigned(Cosignature),
    /// It has seen the log at another size than the one that was sent as old.
    Conflict(u64),
}

/// Signature lines of one witness on one checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// Who and when.
    pub cosigned: Cosigned,
    /// The line, ending in a newline, to be appended to the checkpoint.
    pub line: Vec<u8>,
}

/// What a witness answered is no cosignature.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// 404.
    #[error("the witness does not know this log: its operator must add the log's key there")]
    UnknownLog,
    /// 403.
    #[error("the witness does not accept the checkpoint's signature: does it have another key for this log?")]
    Signature,
    /// 422.
    #[error(
        "the witness says that this checkpoint does not continue what it has seen of the log: one of the two shows \
         another history. Keep both, and compare"
    )]
    Inconsistent,
    /// 400, which also a roll-back gets.
    #[error("the witness refuses the request (400): it has seen a longer log, or does not understand us")]
    Refused,
    /// Another status.
    #[error("the witness answered with status {0}")]
    Status(u16),
    /// 200 without a signature that counts, or 409 without a size.
    #[error("the witness's answer is not understood: {0}")]
    Answer(&'static str),
    /// 200 with a signature that does not verify.
    #[error("the witness's answer: {0}")]
    Checkpoint(#[from] CheckpointError),
}

/// The body of `add-checkpoint`.
pub fn request(old: u64, proof: &[Sha256], checkpoint: &[u8]) -> Vec<u8> {
    let mut text = format!("old {old}\n");
    for hash in proof {
        text.push_str(&STANDARD.encode(hash.as_bytes()));
        text.push('\n');
    }
    text.push('\n');
    [text.as_bytes(), checkpoint].concat()
}

/// What the answer to `add-checkpoint` for that checkpoint means. Lines of other keys are ignored, as the
/// specification demands; a line of this witness's key is taken only when it verifies.
///
/// # Errors
/// When it is not a cosignature and not a conflict. Never panics, whatever the bytes.
pub fn read(status: u16, body: &[u8], checkpoint: &[u8], key: &WitnessKey) -> Result<Answer, WitnessError> {
    match status {
        200 => cosignature(body, checkpoint, key).map(Answer::Cosigned),
        409 => {
            let size = std::str::from_utf8(body).ok().and_then(|text| decimal(text.strip_suffix('\n')?));
            size.map(Answer::Conflict).ok_or(WitnessError::Answer("a conflict without the size that it has seen"))
        }
        404 => Err(WitnessError::UnknownLog),
        403 => Err(WitnessError::Signature),
        422 => Err(WitnessError::Inconsistent),
        400 => Err(WitnessError::Refused),
        other => Err(WitnessError::Status(other)),
    }
}

fn cosignature(body: &[u8], checkpoint: &[u8], key: &WitnessKey) -> Result<Cosignature, WitnessError> {
    if body.len() > MAX_ANSWER {
        return Err(WitnessError::Answer("it is too long"));
    }
    let own = Note::parse(checkpoint).map_err(CheckpointError::from)?;
    let text = Checkpoint::from_text(own.unverified_text())?;
    let together = Note::parse(&[checkpoint, body].concat()).map_err(CheckpointError::from)?;
    if together.unverified_text() != own.unverified_text() {
        return Err(CheckpointError::from(NoteError::Malformed("the lines are not signature lines")).into());
    }
    let added = &together.signatures()[own.signatures().len()..];
    let line = added.iter().find(|line| line.name == key.name().as_str() && line.key_id == key.key_id());
    let line = line.ok_or(WitnessError::Answer("it holds no signature by the key that the policy names"))?;
    let alone = Note::with_signatures(own.unverified_text(), vec![line.clone()]);
    let cosigned = key.cosigned(&alone, &text).map_err(CheckpointError::from)?;
    let cosigned = cosigned.ok_or(WitnessError::Answer("it holds no signature by the key that the policy names"))?;
    Ok(Cosignature { cosigned, line: line.to_line().into_bytes() })
}
