//! Secrets at rest: one file, sealed with AES-256-GCM under a key that lies somewhere else.

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use bulkhead_core::Secret;
use serde::{Deserialize, Serialize};

use super::keyring::{Keyring, KeyringError};
use super::secret::{Binding, SecretName, StoredSecret};

/// Says what the file is, and binds its version into the seal.
const MAGIC: &[u8] = b"bulkhead sealed secrets 1\n";
/// The same of a file whose key is in the keyring; the key's id and the end of the line follow.
const IN_KEYRING: &str = "bulkhead sealed secrets 2, key in keyring ";

/// Where the sealing key is.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A file with mode 0600, made with the first secret.
    File(PathBuf),
    /// Given by the environment: 64 hexadecimal digits.
    Environment(Secret),
    /// The operating system's keyring, under an id that the sealed file names: every new key has another, so that a
    /// folder that was copied never takes the place of its original.
    Keyring(Keyring),
}

impl KeySource {
    /// The sentence for people: which choice is in force.
    pub fn describe(&self) -> String {
        match self {
            Self::File(path) => format!("sealed with the key in {} (mode 0600)", path.display()),
            Self::Environment(_) => "sealed with the key from the environment".to_owned(),
            Self::Keyring(_) => "sealed with the key in the operating system's keyring".to_owned(),
        }
    }

    /// The word of `bulkhead.toml` for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Environment(_) => "environment",
            Self::Keyring(_) => "keyring",
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
    /// The key is not where it is said to be.
    #[error(
        "{} is sealed with a key {is}, and the key is to come from the {to_be}; seal it anew with a new key there: bulkhead \
         secret rotate --key (or say where it is: [secrets] key in bulkhead.toml)",
        secrets.display()
    )]
    Elsewhere {
        /// The sealed file.
        secrets: PathBuf,
        /// Where the key is.
        is: &'static str,
        /// The configured place.
        to_be: &'static str,
    },
    /// The keyring is open and the key is not in it.
    #[error(
        "{} holds secrets, and the keyring has no sealing key {id}; run this as the user who added them, bring the keyring \
         back, or remove the file and add the secrets again",
        secrets.display()
    )]
    NotInKeyring {
        /// The sealed file.
        secrets: PathBuf,
        /// The key's id.
        id: String,
    },
    /// The keyring.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The key would move to where it is.
    #[error("the sealing key comes from the {0} already; name another place first: [secrets] key in bulkhead.toml")]
    There(&'static str),
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

/// A key at hand, and how a file that it seals begins.
pub struct Seal {
    key: LessSafeKey,
    header: Vec<u8>,
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
        let Some(mut sealed) = self.bytes()? else { return Ok(Vec::new()) };
        loop {
            match self.open(&sealed) {
                // Somebody gave it another key just now, and the key before is gone.
                Err(why) => match self.bytes()? {
                    Some(anew) if anew != sealed => sealed = anew,
                    _ => return Err(why),
                },
                opened => return opened,
            }
        }
    }

    fn open(&self, sealed: &[u8]) -> Result<Vec<StoredSecret>, SealError> {
        let broken = || SealError::Opened(self.path.clone());
        let header = header(sealed).ok_or_else(broken)?;
        let key = self.key(Some(header))?.key;
        let (nonce, body) = sealed[header.len()..].split_at_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut body = body.to_vec();
        let plain = key.open_in_place(nonce, Aad::from(header), &mut body).map_err(|_| broken())?;
        let wires: Vec<Wire> = serde_json::from_slice(plain).map_err(|_| broken())?;
        let secret =
            |Wire { name, value, binding, since }| StoredSecret { name, value: Secret::new(value), binding, since };
        Ok(wires.into_iter().map(secret).collect())
    }

    /// What the file is sealed with next; a key is made for the first secret.
    ///
    /// # Errors
    /// [`SealError`] when the key is gone or somewhere else, or cannot be made.
    pub fn seal(&self) -> Result<Seal, SealError> {
        match self.bytes()? {
            None => self.key(None),
            Some(sealed) => self.key(Some(header(&sealed).ok_or_else(|| SealError::Opened(self.path.clone()))?)),
        }
    }

    /// A new key in this file's place, for secrets that one of the places opens, which is given with them. `None` when
    /// there is no file.
    ///
    /// # Errors
    /// [`SealError`] when none opens it, or the key is where it is to be.
    pub fn seal_anew(&self, places: Vec<KeySource>) -> Result<Option<(Seal, Self, Vec<StoredSecret>)>, SealError> {
        let Some(sealed) = self.bytes()? else { return Ok(None) };
        let in_keyring = header(&sealed).and_then(key_id).is_some();
        let mut error = SealError::Opened(self.path.clone());
        for place in places.into_iter().filter(|place| matches!(place, KeySource::Keyring(_)) == in_keyring) {
            let before = Self::new(&self.path, place);
            match before.read() {
                Ok(_) if !in_keyring && before.key.word() == self.key.word() => {
                    return Err(SealError::There(self.key.word()));
                }
                Ok(secrets) => return Ok(Some((self.key(None)?, before, secrets))),
                Err(why) => error = why,
            }
        }
        Err(error)
    }

    /// Replaces the whole file.
    ///
    /// # Errors
    /// [`SealError`] when it cannot be written; the file before stays then.
    pub fn write(&self, seal: &Seal, secrets: &[StoredSecret]) -> Result<(), SealError> {
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
        seal.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&seal.header), &mut body)
            .map_err(|_| SealError::Random)?;
        crate::files::replace(&self.path, &[&seal.header, &nonce[..], &body].concat(), 0o600).map_err(SealError::Io)
    }

    /// The id of the key in the keyring, when it is there.
    ///
    /// # Errors
    /// The disk's.
    pub fn key_id(&self) -> Result<Option<String>, SealError> {
        let sealed = self.bytes()?;
        Ok(sealed.as_deref().and_then(header).and_then(key_id).map(str::to_owned))
    }

    /// Forgets the key that nothing is sealed with any more; whether it did.
    pub fn forget_key(&self, id: Option<&str>) -> bool {
        match (&self.key, id) {
            (KeySource::File(path), _) => {
                crate::files::overwrite(path).and_then(|()| crate::files::remove_durably(path)).is_ok()
            }
            (KeySource::Keyring(keyring), Some(id)) => keyring.forget(id),
            (KeySource::Environment(_) | KeySource::Keyring(_), _) => false,
        }
    }

    fn bytes(&self) -> Result<Option<Vec<u8>>, SealError> {
        crate::files::read_if_there(&self.path).map_err(SealError::Io)
    }

    /// The key of a file that begins so, or a new one when there is none.
    fn key(&self, header: Option<&[u8]>) -> Result<Seal, SealError> {
        let elsewhere = |is| SealError::Elsewhere { secrets: self.path.clone(), is, to_be: self.key.word() };
        let id = header.and_then(key_id);
        let (digits, header) = match (&self.key, id) {
            (KeySource::Keyring(keyring), Some(id)) => {
                let key = keyring.get(id)?;
                let gone = || SealError::NotInKeyring { secrets: self.path.clone(), id: id.to_owned() };
                (key.ok_or_else(gone)?, in_keyring(id))
            }
            (KeySource::Keyring(_), None) if header.is_some() => {
                return Err(elsewhere("in a file or from the environment"));
            }
            (KeySource::Keyring(keyring), None) => {
                let (id, key) = (random_hex::<16>()?, Secret::new(random_hex::<32>()?));
                keyring.put(&id, &key)?;
                (key, in_keyring(&id))
            }
            (_, Some(_)) => return Err(elsewhere("in the operating system's keyring")),
            (KeySource::Environment(digits), None) => (digits.clone(), MAGIC.to_vec()),
            (KeySource::File(path), None) => match crate::files::read_if_there(path).map_err(SealError::Io)? {
                Some(digits) => (Secret::new(String::from_utf8_lossy(&digits)), MAGIC.to_vec()),
                None if header.is_none() => (make_key(path)?, MAGIC.to_vec()),
                None => return Err(SealError::KeyGone { secrets: self.path.clone(), key: path.clone() }),
            },
        };
        let wrong = || {
            SealError::Key(match &self.key {
                KeySource::Environment(_) => "from the environment".to_owned(),
                KeySource::File(path) => format!("in {}", path.display()),
                KeySource::Keyring(_) => "in the keyring".to_owned(),
            })
        };
        let bytes = from_hex(digits.reveal().trim()).ok_or_else(wrong)?;
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map(LessSafeKey::new).map_err(|_| wrong())?;
        Ok(Seal { key, header })
    }
}

/// The first line, of a version that is known.
fn header(sealed: &[u8]) -> Option<&[u8]> {
    let end = sealed.iter().take(100).position(|byte| *byte == b'\n')?;
    let line = &sealed[..=end];
    (line == MAGIC || key_id(line).is_some()).then_some(line)
}

fn key_id(header: &[u8]) -> Option<&str> {
    let id = std::str::from_utf8(header).ok()?.strip_prefix(IN_KEYRING)?.strip_suffix('\n')?;
    // It becomes a word of a command.
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

fn in_keyring(id: &str) -> Vec<u8> {
    format!("{IN_KEYRING}{id}\n").into_bytes()
}

fn make_key(path: &Path) -> Result<Secret, SealError> {
    let digits = random_hex::<32>()?;
    crate::files::replace(path, format!("{digits}\n").as_bytes(), 0o600).map_err(SealError::Io)?;
    Ok(Secret::new(digits))
}

fn random_hex<const N: usize>() -> Result<String, SealError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SealError::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
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
        file.write(&file.seal().unwrap(), &secrets).unwrap();
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
        file.write(&file.seal().unwrap(), &[secret("a", "value")]).unwrap();
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
        file.write(&file.seal().unwrap(), &[secret("a", "value")]).unwrap();
        std::fs::remove_file(folder.path().join("secrets.key")).unwrap();
        assert!(matches!(file.read(), Err(SealError::KeyGone { .. })));
        assert!(matches!(file.seal(), Err(SealError::KeyGone { .. })));
    }
}
