//! The log's name and its Ed25519 key: kept as a PKCS#8 file that `openssl pkey` reads, shown as a verifier key.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_core::Sha256;

use crate::hash::sha256;

#[cfg(test)]
mod tests;

/// Ed25519 in the registry of C2SP signed-note, "Signature types".
const ED25519_TYPE: u8 = 0x01;
/// What stands before the 32 bytes of an Ed25519 key in a DER SubjectPublicKeyInfo (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";
/// No Ed25519 key file is longer; anything that is was named by mistake.
const MAX_KEY_FILE: u64 = 4096;

/// The log's name, the first line of its checkpoints and the name of its key: not empty, no spaces, no `+`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

/// The log's private key. It neither prints nor serialises; only [`SigningKey::save`] writes it.
pub struct SigningKey(Ed25519KeyPair);

/// The public half with the name it signs under, written `name+id+base64` (C2SP signed-note).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: Origin,
    public: [u8; 32],
}

/// A key or its name cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not a name.
    #[error("`{0}` cannot be the origin of a log: no spaces, no `+`, no control characters, not empty")]
    Origin(String),
    /// Not a verifier key.
    #[error("the verifier key is malformed: {0}; the form is name+id+base64")]
    Verifier(&'static str),
    /// The file cannot be read or written.
    #[error("key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others can read the file.
    #[error("key file {path} has mode {mode:04o}: nobody but its owner may have access; run chmod 600 on it")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold such a key.
    #[error("key file {0} does not hold an Ed25519 private key in PKCS#8 PEM form")]
    NotAKey(PathBuf),
    /// The system gave no randomness.
    #[error("no key could be generated: the system gave no randomness")]
    Randomness,
}

impl Origin {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bad = |char: char| char.is_whitespace() || char.is_control() || char == '+';
        if text.is_empty() || text.len() > 255 || text.chars().any(bad) {
            return Err(KeyError::Origin(text.chars().filter(|char| !char.is_control()).take(80).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        Ed25519KeyPair::generate().map(Self).map_err(|_| KeyError::Randomness)
    }

    /// Reads the key from its file.
    ///
    /// # Errors
    /// When the file cannot be read, others than its owner have access to it, or it holds no such key.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let io = |source| KeyError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        // The mode of what was opened, not of what the path names now.
        let mode = file.metadata().map_err(io)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Mode { path: path.to_owned(), mode });
        }
        let mut pem = String::new();
        file.take(MAX_KEY_FILE).read_to_string(&mut pem).map_err(io)?;
        let pair = pem_body(&pem).and_then(|der| Ed25519KeyPair::from_pkcs8(&der).ok());
        pair.map(Self).ok_or_else(|| KeyError::NotAKey(path.to_owned()))
    }

    /// Writes the key to a new file with mode 0600, durably: when this returns, a crash does not lose it.
    ///
    /// # Errors
    /// When the file exists already (a key is never overwritten) or cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let io = |source| KeyError::Io { path: path.to_owned(), source };
        // Version 1 of PKCS#8, because openssl does not read version 2.
        let der = self.0.to_pkcs8v1().map_err(|_| KeyError::NotAKey(path.to_owned()))?;
        let pem = format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", STANDARD.encode(der.as_ref()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io)?;
        file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
    }

    /// The public half under that name.
    pub fn verifier(&self, origin: &Origin) -> VerifierKey {
        let mut public = [0; 32];
        public.copy_from_slice(self.0.public_key().as_ref());
        VerifierKey { name: origin.clone(), public }
    }

    #[cfg(test)]
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(seed).expect("invariant: a seed has 32 bytes"))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

fn pem_body(pem: &str) -> Option<Vec<u8>> {
    let body = pem.trim().strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END)?;
    STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()
}

impl VerifierKey {
    /// The name that the key signs under.
    pub fn name(&self) -> &Origin {
        &self.name
    }

    /// The first four bytes of SHA-256(name || newline || type || key).
    pub fn key_id(&self) -> [u8; 4] {
        let hash = sha256(&[self.name.as_str().as_bytes(), b"\n", &[ED25519_TYPE], &self.public]);
        let [a, b, c, d, ..] = *hash.as_bytes();
        [a, b, c, d]
    }

    /// SHA-256 of the key's DER SubjectPublicKeyInfo: what `openssl pkey -pubout -outform DER | sha256sum` prints.
    pub fn fingerprint(&self) -> Sha256 {
        sha256(&[&SPKI_PREFIX, &self.public])
    }

    /// Whether both wrap the same key, whatever they call it.
    pub fn same_key(&self, other: &Self) -> bool {
        self.public == other.public
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(message, signature).is_ok()
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(base64)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Verifier("it does not have three parts"));
        };
        let name: Origin = name.parse()?;
        let bytes = STANDARD.decode(base64).map_err(|_| KeyError::Verifier("the last part is not base64"))?;
        let [ED25519_TYPE, public @ ..] = bytes.as_slice() else {
            return Err(KeyError::Verifier("the key is not of type Ed25519"));
        };
        let public = public.try_into().map_err(|_| KeyError::Verifier("the key is not 32 bytes long"))?;
        let key = Self { name, public };
        if hex(key.key_id()) != id {
            return Err(KeyError::Verifier("the id does not belong to this name and key"));
        }
        Ok(key)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[ED25519_TYPE][..], &self.public].concat();
        write!(f, "{}+{}+{}", self.name, hex(self.key_id()), STANDARD.encode(typed))
    }
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
