//! Signed notes (C2SP signed-note): a text, a blank line, signature lines.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::key::{Origin, SigningKey, VerifierKey};

#[cfg(test)]
mod tests;

/// A note is refused above this size, in bytes: 16 signatures of 5 kB must fit.
pub const MAX_NOTE_BYTES: usize = 1 << 18;
/// A note is refused with more signatures.
pub const MAX_SIGNATURES: usize = 64;

/// A note taken apart. Its text means nothing until [`Note::verify`] has seen a signature of a known key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The key's name.
    pub name: String,
    /// The key's id: the first four bytes of a hash over name and key.
    pub key_id: [u8; 4],
    /// What the key made of the text; Ed25519: 64 bytes.
    pub bytes: Vec<u8>,
}

/// The bytes are not a note, or not one of a known key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not the form of a note.
    #[error("the note is malformed: {0}")]
    Malformed(&'static str),
    /// No signature is by this key.
    #[error("the note carries no signature by the key `{0}`")]
    Unsigned(String),
    /// A signature by a known key is wrong.
    #[error("the note's signature by the key `{0}` does not verify")]
    Signature(String),
}

impl Note {
    /// Signs a text.
    ///
    /// # Errors
    /// When the text is empty, does not end in a newline, or has control characters.
    pub fn sign(text: &str, origin: &Origin, key: &SigningKey) -> Result<Self, NoteError> {
        check_text(text)?;
        let signature = Signature {
            name: origin.to_string(),
            key_id: key.verifier(origin).key_id(),
            bytes: key.sign(text.as_bytes()),
        };
        Ok(Self { text: text.to_owned(), signatures: vec![signature] })
    }

    /// Takes a note apart. Never panics, whatever the bytes.
    ///
    /// # Errors
    /// When the bytes are not a note to the last one; see the specification, section "Format".
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::Malformed("it is too long"));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed("it is not UTF-8"))?;
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Malformed("it has no blank line"))?;
        // The text keeps its last newline; the blank line belongs to neither part.
        let text = note.get(..=text.len()).ok_or(NoteError::Malformed("it has no text"))?;
        check_text(text)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed("it does not end in a newline"))?;
        let signatures = lines.split('\n').map(Signature::parse).collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::Malformed("it has too many signatures"));
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text, once the key has signed it. Signatures of other keys are ignored, as the specification demands.
    ///
    /// # Errors
    /// When the key did not sign, or one signature in its name and with its id is wrong.
    pub fn verify(&self, key: &VerifierKey) -> Result<&str, NoteError> {
        let mut seen = false;
        for signature in &self.signatures {
            if signature.name == key.name().as_str() && signature.key_id == key.key_id() {
                if !key.verify(self.text.as_bytes(), &signature.bytes) {
                    return Err(NoteError::Signature(signature.name.clone()));
                }
                seen = true;
            }
        }
        if seen { Ok(&self.text) } else { Err(NoteError::Unsigned(key.name().to_string())) }
    }

    /// The text, whoever signed it. For showing what a note claims, never for trusting it.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in their order.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The note's bytes, as it is served.
    pub fn to_bytes(&self) -> Vec<u8> {
        let lines = self.signatures.iter().map(Signature::to_line);
        std::iter::once(format!("{}\n", self.text)).chain(lines).collect::<String>().into_bytes()
    }

    /// The text with these signature lines.
    pub(crate) fn with_signatures(text: &str, signatures: Vec<Signature>) -> Self {
        Self { text: text.to_owned(), signatures }
    }
}

impl Signature {
    /// The line, with its newline.
    pub fn to_line(&self) -> String {
        let bytes = [&self.key_id[..], &self.bytes].concat();
        format!("— {} {}\n", self.name, STANDARD.encode(bytes))
    }

    fn parse(line: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::Malformed("a signature line is not `— name base64`");
        let Some((name, base64)) = line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')) else {
            return Err(wrong);
        };
        let Ok(name) = name.parse::<Origin>() else { return Err(wrong) };
        let Ok(bytes) = STANDARD.decode(base64) else { return Err(wrong) };
        let Some((key_id, bytes)) = bytes.split_first_chunk::<4>() else { return Err(wrong) };
        if bytes.is_empty() {
            return Err(wrong);
        }
        Ok(Self { name: name.to_string(), key_id: *key_id, bytes: bytes.to_vec() })
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if text.is_empty() || !text.ends_with('\n') {
        return Err(NoteError::Malformed("its text does not end in a newline"));
    }
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteError::Malformed("it has control characters"));
    }
    Ok(())
}
