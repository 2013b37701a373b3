//! Secrets at rest: one file, sealed with AES-256-GCM under a key that lies somewhere else.

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use bulkhead_core::Secret;
use serde::{Deserialize, Serialize};

use super::secret::{Binding, SecretName, StoredSecret};

/// Says what the file is, and binds its version into the seal.
const MAGIC: &[u8] = b"bulkhead sealed secrets 1\n";

/// Where the sealing key is.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A file with mode 0600, made with the first secret.
    File(PathBuf),
    /// Given by the environment: 64 hexadecimal digits.
    Environment(Secret),
}

impl KeySource {
    /// The sentence for people: which choice is in force.
    pub fn describe(&self) -> String {
        match self {
            Self::File(path) => format!("sealed with the key in {} (mode 0600)", path.display()),
            Self::Environment(_) => "sealed with the key from the environment".to_owned(),
        }
    }
}

/// The sealed file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The disk; the error names the file.
    #[error(transparent)]
    Io(io::Error),
    /// The key is no key.
    #[error("the sealing key {0} is not 64 hexadecimal digits")]
    Key(String),
    /// There are secrets and no key.
    #[error("{} holds secrets, and their key {} is not there; bring it back, or remove the file and add the secrets again", secrets.display(), key.display())]
    KeyGone {
        /// The sealed file.
        secrets: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Another key, or changed bytes.
    #[error("{} cannot be opened: it was sealed with another key, or it was changed", .0.display())]
    Opened(PathBuf),
    /// The system's random source.
    #[error("the system gives no random bytes")]
    Random,
}

/// The file, closed. Every operation reads it whole and replaces it whole.
#[derive(Debug, Clone)]
pub struct SealedFile {
    path: PathBuf,
    key: KeySource,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    name: SecretName,
    value: String,
    binding: Binding,
    since: String,
}

impl SealedFile {
    /// The file at that path, under that key.
    pub fn new(path: impl Into<PathBuf>, key: KeySource) -> Self {
        Self { path: path.into(), key }
    }

    /// Where the key is.
    pub fn key_source(&self) -> &KeySource {
        &self.key
    }

    /// Every secret, by name; none when there is no file.
    ///
    /// # Errors
    /// [`SealError`] when the file or its key cannot be read, or the seal does not hold.
    pub fn read(&self) -> Result<Vec<StoredSecret>, SealError> {
        let Some(sealed) = crate::files::read_if_there(&self.path).map_err(SealError::Io)? else {
            return Ok(Vec::new());
        };
        let key = self.key(false)?;
        let broken = || SealError::Opened(self.path.clone());
        let (nonce, body) =
            sealed.strip_prefix(MAGIC).and_then(|rest| rest.split_at_checked(NONCE_LEN)).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut body = body.to_vec();
        let plain = key.open_in_place(nonce, Aad::from(MAGIC), &mut body).map_err(|_| broken())?;
        let wires: Vec<Wire> = serde_json::from_slice(plain).map_err(|_| broken())?;
        let secret =
            |Wire { name, value, binding, since }| StoredSecret { name, value: Secret::new(value), binding, since };
        Ok(wires.into_iter().map(secret).collect())
    }

    /// Replaces the whole file; the key is made with the first secret.
    ///
    /// # Errors
    /// [`SealError`] when it cannot be written; the file before stays then.
    pub fn write(&self, secrets: &[StoredSecret]) -> Result<(), SealError> {
        let key = self.key(!self.path.exists())?;
        let wires: Vec<Wire> = secrets
            .iter()
            .map(|secret| Wire {
                name: secret.name.clone(),
                value: secret.value.reveal().to_owned(),
                binding: secret.binding.clone(),
                since: secret.since.clone(),
            })
            .collect();
        let mut body = serde_json::to_vec(&wires).expect("invariant: names and texts serialise");
        let mut nonce = [0; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| SealError::Random)?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(MAGIC), &mut body)
            .map_err(|_| SealError::Random)?;
        crate::files::replace(&self.path, &[MAGIC, &nonce, &body].concat(), 0o600).map_err(SealError::Io)
    }

    fn key(&self, make: bool) -> Result<LessSafeKey, SealError> {
        let digits = match &self.key {
            KeySource::Environment(digits) => digits.reveal().to_owned(),
            KeySource::File(path) => match crate::files::read_if_there(path).map_err(SealError::Io)? {
                Some(digits) => String::from_utf8_lossy(&digits).into_owned(),
                None if make => make_key(path)?,
                None => return Err(SealError::KeyGone { secrets: self.path.clone(), key: path.clone() }),
            },
        };
        let wrong = || {
            SealError::Key(match &self.key {
                KeySource::Environment(_) => "from the environment".to_owned(),
                KeySource::File(path) => format!("in {}", path.display()),
            })
        };
        let bytes = from_hex(digits.trim()).ok_or_else(wrong)?;
        UnboundKey::new(&AES_256_GCM, &bytes).map(LessSafeKey::new).map_err(|_| wrong())
    }
}

fn make_key(path: &Path) -> Result<String, SealError> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SealError::Random)?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    crate::files::replace(path, format!("{digits}\n").as_bytes(), 0o600).map_err(SealError::Io)?;
    Ok(digits)
}

fn from_hex(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str, value: &str) -> StoredSecret {
        StoredSecret {
            name: name.parse().unwrap(),
            value: Secret::new(value),
            binding: Binding::default(),
            since: "2026-11-24T00:00:00Z".into(),
        }
    }

    fn file(folder: &Path) -> SealedFile {
        SealedFile::new(folder.join("secrets.sealed"), KeySource::File(folder.join("secrets.key")))
    }

    #[test]
    fn what_was_sealed_is_opened_again_and_lies_there_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        assert_eq!(file.read().unwrap(), []);
        let secrets = [secret("openai", "sk-proj-very-secret-value")];
        file.write(&secrets).unwrap();
        assert_eq!(file.read().unwrap(), secrets);
        let bytes = std::fs::read(folder.path().join("secrets.sealed")).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"very-secret"));
        for name in ["secrets.sealed", "secrets.key"] {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn one_changed_byte_and_another_key_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        file.write(&[secret("a", "value")]).unwrap();
        let path = folder.path().join("secrets.sealed");
        let good = std::fs::read(&path).unwrap();
        for at in [0, MAGIC.len(), MAGIC.len() + NONCE_LEN, good.len() - 1] {
            let mut bent = good.clone();
            bent[at] ^= 1;
            std::fs::write(&path, bent).unwrap();
            assert!(matches!(file.read(), Err(SealError::Opened(_))), "{at}");
        }
        std::fs::write(&path, good).unwrap();
        let other = SealedFile::new(&path, KeySource::Environment(Secret::new("0".repeat(64))));
        assert!(matches!(other.read(), Err(SealError::Opened(_))));
        let wrong = SealedFile::new(&path, KeySource::Environment(Secret::new("zz")));
        assert!(matches!(wrong.read(), Err(SealError::Key(_))));
    }

    #[test]
    fn a_lost_key_is_never_replaced_by_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        file.write(&[secret("a", "value")]).unwrap();
        std::fs::remove_file(folder.path().join("secrets.key")).unwrap();
        assert!(matches!(file.read(), Err(SealError::KeyGone { .. })));
        assert!(matches!(file.write(&[]), Err(SealError::KeyGone { .. })));
    }
}
