//! Cosignatures (C2SP tlog-cosignature): what a witness says of a checkpoint, and when.
//!
//! A witness keeps the last checkpoint of each log that it has seen and cosigns only what continues it. Two views of one
//! log can therefore not both be cosigned by an honest witness. Ed25519 (type 0x04) and ML-DSA-44 (type 0x06) are read;
//! Bulkhead itself witnesses nothing and so writes neither.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, ML_DSA_44, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::Checkpoint;
use crate::hash::sha256;
use crate::key::{KeyError, Origin};
use crate::note::{Note, Signature};

#[cfg(test)]
pub(crate) mod tests;

const ED25519_TYPE: u8 = 0x04;
const ML_DSA_44_TYPE: u8 = 0x06;
/// What an Ed25519 cosignature stands before the checkpoint's text with.
const ED25519_HEADER: &str = "cosignature/v1";
/// The label of an ML-DSA-44 cosignature's message.
const SUBTREE_LABEL: &[u8; 12] = b"subtree/v1\n\0";

/// A witness's public key with its name, written `name+id+base64` (C2SP signed-note, "Verifier keys").
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WitnessKey {
    name: Origin,
    public: Public,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Public {
    Ed25519([u8; 32]),
    MlDsa44(Box<[u8; 1312]>),
}

/// A cosignature that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The witness's name.
    pub witness: Origin,
    /// When it cosigned, in seconds after 1970: the witness's word.
    pub timestamp: u64,
}

/// A signature line in the name of a known witness does not verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the cosignature in the name of the witness `{witness}` is wrong: {what}")]
pub struct CosignatureError {
    witness: Origin,
    what: &'static str,
}

impl WitnessKey {
    /// The name that the witness signs under.
    pub fn name(&self) -> &Origin {
        &self.name
    }

    /// The first four bytes of SHA-256(name || newline || type || key).
    pub fn key_id(&self) -> [u8; 4] {
        let (kind, public) = self.public.parts();
        let hash = sha256(&[self.name.as_str().as_bytes(), b"\n", &[kind], public]);
        let [a, b, c, d, ..] = *hash.as_bytes();
        [a, b, c, d]
    }

    /// Whether both wrap the same key, whatever they call it (C2SP tlog-policy, "Public key representation").
    pub fn same_key(&self, other: &Self) -> bool {
        self.public == other.public
    }

    /// The witness's cosignature on the note; nothing when it has none. The newest when there are several.
    ///
    /// # Errors
    /// When a signature line has this key's name and id and does not verify: such a note is malformed.
    pub fn cosigned(&self, note: &Note, checkpoint: &Checkpoint) -> Result<Option<Cosigned>, CosignatureError> {
        let mut newest = None;
        for signature in note.signatures() {
            if signature.name == self.name.as_str() && signature.key_id == self.key_id() {
                let timestamp = self.verify(signature, note.unverified_text(), checkpoint)?;
                newest = newest.max(Some(timestamp));
            }
        }
        Ok(newest.map(|timestamp| Cosigned { witness: self.name.clone(), timestamp }))
    }

    fn verify(&self, signature: &Signature, text: &str, checkpoint: &Checkpoint) -> Result<u64, CosignatureError> {
        let wrong = |what| CosignatureError { witness: self.name.clone(), what };
        let (timestamp, bytes) = signature.bytes.split_first_chunk::<8>().ok_or(wrong("it is too short"))?;
        let timestamp = u64::from_be_bytes(*timestamp);
        // Zero means "not the newest tree that I have seen" (ML-DSA-44 only): no statement against a split view.
        if timestamp == 0 || timestamp > i64::MAX as u64 {
            return Err(wrong("its time is not one"));
        }
        let good = match &self.public {
            Public::Ed25519(public) => {
                let message = format!("{ED25519_HEADER}\ntime {timestamp}\n{text}");
                UnparsedPublicKey::new(&ED25519, public).verify(message.as_bytes(), bytes)
            }
            Public::MlDsa44(public) => {
                let message = subtree_message(&self.name, timestamp, checkpoint);
                UnparsedPublicKey::new(&ML_DSA_44, public.as_slice()).verify(&message, bytes)
            }
        };
        good.map_err(|_| wrong("it does not verify"))?;
        Ok(timestamp)
    }
}

impl Public {
    fn parts(&self) -> (u8, &[u8]) {
        match self {
            Self::Ed25519(public) => (ED25519_TYPE, public),
            Self::MlDsa44(public) => (ML_DSA_44_TYPE, public.as_slice()),
        }
    }
}

/// The `cosigned_message` of the specification, for a whole checkpoint: names are at most 255 bytes long, as
/// [`Origin`] is.
fn subtree_message(witness: &Origin, timestamp: u64, checkpoint: &Checkpoint) -> Vec<u8> {
    let named = |message: &mut Vec<u8>, name: &Origin| {
        message.push(name.as_str().len() as u8);
        message.extend_from_slice(name.as_str().as_bytes());
    };
    let mut message = SUBTREE_LABEL.to_vec();
    named(&mut message, witness);
    message.extend_from_slice(&timestamp.to_be_bytes());
    named(&mut message, &checkpoint.origin);
    message.extend_from_slice(&0_u64.to_be_bytes());
    message.extend_from_slice(&checkpoint.size.to_be_bytes());
    message.extend_from_slice(checkpoint.root.as_bytes());
    message
}

impl FromStr for WitnessKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(base64)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Verifier("it does not have three parts"));
        };
        let name: Origin = name.parse()?;
        let bytes = STANDARD.decode(base64).map_err(|_| KeyError::Verifier("the last part is not base64"))?;
        let length = KeyError::Verifier("the key has not the length of its type");
        let public = match bytes.split_first() {
            Some((&ED25519_TYPE, public)) => Public::Ed25519(public.try_into().map_err(|_| length)?),
            Some((&ML_DSA_44_TYPE, public)) => {
                Public::MlDsa44(Box::new(<[u8; 1312]>::try_from(public).map_err(|_| length)?))
            }
            Some((&0x01, _)) => {
                return Err(KeyError::Verifier("it is a log's key (type 0x01); a witness's has type 0x04 or 0x06"));
            }
            _ => return Err(KeyError::Verifier("the key is not of type Ed25519 (0x04) or ML-DSA-44 (0x06)")),
        };
        let key = Self { name, public };
        if hex(key.key_id()) != id {
            return Err(KeyError::Verifier("the id does not belong to this name and key"));
        }
        Ok(key)
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, public) = self.public.parts();
        let typed = [&[kind][..], public].concat();
        write!(f, "{}+{}+{}", self.name, hex(self.key_id()), STANDARD.encode(typed))
    }
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
