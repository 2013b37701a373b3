//! Who must have signed a checkpoint for it to count: the log's key alone, or the log and a quorum of witnesses.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::cosign::Cosigned;
use crate::key::VerifierKey;

/// What a verifier trusts. Implemented by a [`VerifierKey`] (the log's word alone) and by a
/// [`WitnessPolicy`](crate::policy::WitnessPolicy).
pub trait Trust {
    /// The checkpoint in the note, once whoever must have signed it has.
    ///
    /// # Errors
    /// When it is no checkpoint, or a signature is missing or wrong.
    fn check(&self, note: &[u8]) -> Result<Trusted, CheckpointError>;

    /// Whether cosignatures are asked for, so that a signature of the log alone is not enough.
    fn needs_witnesses(&self) -> bool {
        false
    }
}

/// A checkpoint that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The log's key that signed it.
    pub key: VerifierKey,
    /// The known witnesses that cosigned it; none when only the log's key is known.
    pub cosigned: Vec<Cosigned>,
}

impl Trust for VerifierKey {
    fn check(&self, note: &[u8]) -> Result<Trusted, CheckpointError> {
        let checkpoint = Checkpoint::verify(note, self)?;
        Ok(Trusted { checkpoint, key: self.clone(), cosigned: Vec::new() })
    }
}
