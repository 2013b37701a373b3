//! People in an immutable record: entries name them by a pseudonym, an HMAC under a salt of their own. Deleting the salt
//! makes every such entry name nobody, and breaks no proof, because the entry stays as it is.
//!
//! Salts are files, one a person, outside the ledger and outside the database, whose free pages keep what was deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::{hmac, rand};
use bulkhead_core::Principal;
use bulkhead_ledger::Entry;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[cfg(test)]
mod tests;

/// What a pseudonym starts with; no principal does.
const MARK: char = '~';
/// Hexadecimal digits of a pseudonym: 128 bits.
const DIGITS: usize = 32;
/// Principals that name no person.
const NOBODY: [&str; 3] = [Principal::LOCAL, "bulkhead", "operator"];
/// Lines of detail that name a person.
const NAMED: [&str; 2] = ["for", "owner"];

/// The people whom entries may name.
#[derive(Debug)]
pub struct Subjects {
    /// Nothing when people stand in entries as they are.
    folder: Option<PathBuf>,
    roles: BTreeSet<String>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// By name.
    salts: BTreeMap<String, Salt>,
    /// By pseudonym.
    names: BTreeMap<String, String>,
}

/// A file: one person.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Salt {
    subject: String,
    /// In hexadecimal.
    salt: String,
}

impl Salt {
    fn pseudonym(&self, kind: &str, value: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.salt.as_bytes());
        let tag = hmac::sign(&key, format!("{kind}\n{value}").as_bytes());
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{MARK}{}", &hex[..DIGITS])
    }
}

impl Subjects {
    /// Entries name everybody as they are.
    pub fn plain() -> Self {
        Self { folder: None, roles: BTreeSet::new(), known: Mutex::default() }
    }

    /// Entries name people by pseudonyms, whose salts are in that folder; `roles` are no people.
    ///
    /// # Errors
    /// When the folder or a salt in it cannot be read: a new salt in its place would be another pseudonym.
    pub fn open(folder: &Path, roles: &[String]) -> io::Result<Self> {
        crate::files::make_folder(folder)?;
        let mut known = Known::default();
        for path in crate::files::list(folder)? {
            if path.extension().is_some_and(|end| end == "json") {
                let salt: Salt = serde_json::from_slice(&crate::files::read(&path)?)
                    .map_err(|error| io::Error::other(format!("{} holds no salt: {error}", path.display())))?;
                known.names.insert(salt.pseudonym("principal", &salt.subject), salt.subject.clone());
                known.salts.insert(salt.subject.clone(), salt);
            }
        }
        let roles = roles.iter().cloned().chain(NOBODY.map(str::to_owned)).collect();
        Ok(Self { folder: Some(folder.to_owned()), roles, known: Mutex::new(known) })
    }

    /// The entry with people in it by their pseudonyms. A salt that is new is durable before this returns.
    ///
    /// # Errors
    /// When a new salt cannot be kept.
    pub fn cover(&self, mut entry: Entry) -> io::Result<Entry> {
        if self.folder.is_none() {
            return Ok(entry);
        }
        let principal = entry.principal.as_str().to_owned();
        if self.is_person(&principal) {
            entry.principal = Principal::new(self.pseudonym(&principal, "principal", &principal)?);
        }
        let remote = entry.context.address.as_deref().filter(|address| !is_loopback(address) && !is_pseudonym(address));
        if let Some(address) = remote.map(str::to_owned) {
            // Under the salt of whoever it is the address of, so that forgetting one forgets both.
            entry.context.address = Some(self.pseudonym(&principal, "address", &address)?);
        }
        for name in NAMED {
            if let Some(value) = entry.detail.get(name).cloned().filter(|value| self.is_person(value)) {
                entry.detail.insert(name.to_owned(), self.pseudonym(&value, "principal", &value)?);
            }
        }
        Ok(entry)
    }

    /// Whether covering this entry needs no new salt, and so waits for no disk.
    pub fn knows(&self, entry: &Entry) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let has = |name: &str| self.roles.contains(name) || is_pseudonym(name) || known.salts.contains_key(name);
        let mut named = NAMED.iter().filter_map(|name| entry.detail.get(*name));
        let near = entry.context.address.as_deref().is_none_or(is_loopback);
        let principal = entry.principal.as_str();
        self.folder.is_none()
            || has(principal) && (near || known.salts.contains_key(principal)) && named.all(|name| has(name))
    }

    /// How entries name that principal now: for questions that start from a name.
    pub fn word_for(&self, name: &str) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.salts.get(name).map_or_else(|| name.to_owned(), |salt| salt.pseudonym("principal", name))
    }

    /// Whether entries may name that principal by a pseudonym only.
    pub fn covers(&self, name: &str) -> bool {
        self.folder.is_some() && self.is_person(name)
    }

    /// How an entry is to name that principal: makes a salt for somebody new.
    ///
    /// # Errors
    /// When a new salt cannot be kept.
    pub fn word_to_keep(&self, name: &str) -> io::Result<String> {
        if self.covers(name) { self.pseudonym(name, "principal", name) } else { Ok(name.to_owned()) }
    }

    /// Deletes the salt of that person and gives the pseudonym that from now on names nobody. Nothing when there is none.
    ///
    /// # Errors
    /// When the file cannot be removed, durably.
    pub fn erase(&self, name: &str) -> io::Result<Option<String>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((folder, salt)) = self.folder.as_ref().zip(known.salts.get(name)) else { return Ok(None) };
        let pseudonym = salt.pseudonym("principal", name);
        // Overwritten first: where the file system writes in place, the old bytes are then gone as well.
        let path = folder.join(format!("{}.json", &pseudonym[1..]));
        crate::files::overwrite(&path)?;
        crate::files::remove_durably(&path)?;
        known.salts.remove(name);
        known.names.remove(&pseudonym);
        Ok(Some(pseudonym))
    }

    /// Puts names back into what is shown to an operator, where they are still known.
    pub fn reveal(&self, value: &mut Value) {
        match value {
            Value::String(text) if text.contains(MARK) => *text = self.reveal_text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.reveal(value)),
            Value::Object(members) => members.values_mut().for_each(|value| self.reveal(value)),
            _ => {}
        }
    }

    fn reveal_text(&self, text: &str) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(MARK) {
            let (before, marked) = rest.split_at(at);
            shown.push_str(before);
            let name = marked.get(..=DIGITS).and_then(|word| known.names.get(word));
            shown.push_str(name.map_or("~", String::as_str));
            rest = &marked[if name.is_some() { DIGITS + 1 } else { 1 }..];
        }
        shown.push_str(rest);
        shown
    }

    fn is_person(&self, name: &str) -> bool {
        !name.is_empty() && !self.roles.contains(name) && !is_pseudonym(name)
    }

    fn pseudonym(&self, name: &str, kind: &str, value: &str) -> io::Result<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(salt) = known.salts.get(name) {
            return Ok(salt.pseudonym(kind, value));
        }
        let mut random = [0; 32];
        rand::fill(&mut random).map_err(|_| io::Error::other("the system gave no randomness"))?;
        let salt = Salt { subject: name.to_owned(), salt: random.iter().map(|byte| format!("{byte:02x}")).collect() };
        let pseudonym = salt.pseudonym("principal", name);
        if let Some(folder) = &self.folder {
            let bytes = serde_json::to_vec(&salt).map_err(io::Error::other)?;
            crate::files::replace(&folder.join(format!("{}.json", &pseudonym[1..])), &bytes, 0o600)?;
        }
        let word = salt.pseudonym(kind, value);
        known.names.insert(pseudonym, name.to_owned());
        known.salts.insert(name.to_owned(), salt);
        Ok(word)
    }
}

fn is_pseudonym(text: &str) -> bool {
    let digits = text.strip_prefix(MARK);
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_loopback(address: &str) -> bool {
    address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
