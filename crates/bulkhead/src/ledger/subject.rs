//! People in an immutable record: entries name them by a pseudonym, an HMAC under a salt of their own. Deleting the salt
//! makes every such entry name nobody, and breaks no proof, because the entry stays as it is.
//!
//! Machines and the places of environments on them are named in the same way: `alice-laptop` and `/home/alice/venv` are
//! names of people, and no program can tell which are not. Names that entries hold in the clear, from before this was so,
//! stay in the clear: one thing keeps one word, and nothing is hidden that the record shows anyway.
//!
//! Salts are files, one a name, outside the ledger and outside the database, whose free pages keep what was deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::{hmac, rand};
use bulkhead_core::{Action, Principal};
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

/// What a scan calls what it found, before its place: words that name nobody.
const PLACES: [&str; 5] = ["python", "node", "lockfile", "image", "sbom"];

/// What a name is of. Each has salts of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// Whoever asks, or answers for something.
    #[default]
    Principal,
    /// A machine.
    Host,
    /// The place of an environment.
    Environment,
}

impl Of {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Principal, Self::Host, Self::Environment];

    fn word(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Host => "host",
            Self::Environment => "environment",
        }
    }
}

/// The people whom entries may name.
#[derive(Debug)]
pub struct Subjects {
    /// Nothing when people stand in entries as they are.
    folder: Option<PathBuf>,
    roles: BTreeSet<String>,
    /// What entries hold in the clear already.
    clear: BTreeSet<(Of, String)>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// By name.
    salts: BTreeMap<Of, BTreeMap<String, Salt>>,
    /// By pseudonym.
    names: BTreeMap<String, (Of, String)>,
}

impl Known {
    fn salt(&self, of: Of, name: &str) -> Option<&Salt> {
        self.salts.get(&of)?.get(name)
    }

    fn add(&mut self, salt: Salt) {
        self.names.insert(salt.word(), (salt.of, salt.subject.clone()));
        self.salts.entry(salt.of).or_default().insert(salt.subject.clone(), salt);
    }
}

/// A file: one name.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Salt {
    #[serde(default)]
    of: Of,
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

    /// The pseudonym of the name itself.
    fn word(&self) -> String {
        self.pseudonym(self.of.word(), &self.subject)
    }
}

impl Subjects {
    /// Entries name everybody as they are.
    pub fn plain() -> Self {
        Self { folder: None, roles: BTreeSet::new(), clear: BTreeSet::new(), known: Mutex::default() }
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
                known.add(salt);
            }
        }
        let roles = roles.iter().cloned().chain(NOBODY.map(str::to_owned)).collect();
        Ok(Self { folder: Some(folder.to_owned()), roles, clear: BTreeSet::new(), known: Mutex::new(known) })
    }

    /// With names that entries hold in the clear, and keep.
    #[must_use]
    pub fn but_clear(mut self, names: impl IntoIterator<Item = (Of, String)>) -> Self {
        self.clear.extend(names.into_iter().filter(|(_, name)| !name.contains(MARK)));
        self
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
            entry.principal = Principal::new(self.word_to_keep(Of::Principal, &principal)?);
        }
        let remote = entry.context.address.as_deref().filter(|address| !is_loopback(address) && !is_pseudonym(address));
        if let Some(address) = remote.map(str::to_owned) {
            // Under the salt of whoever it is the address of, so that forgetting one forgets both.
            entry.context.address = Some(self.pseudonym(Of::Principal, &principal, "address", &address)?);
        }
        for name in NAMED {
            if let Some(value) = entry.detail.get(name).cloned().filter(|value| self.is_person(value)) {
                entry.detail.insert(name.to_owned(), self.word_to_keep(Of::Principal, &value)?);
            }
        }
        for &(name, of) in placed(&entry) {
            if let Some(value) = entry.detail.get(name).cloned() {
                entry.detail.insert(name.to_owned(), self.word_to_keep(of, &value)?);
            }
        }
        Ok(entry)
    }

    /// Whether covering this entry needs no new salt, and so waits for no disk.
    pub fn knows(&self, entry: &Entry) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let has = |name: &str| !self.is_person(name) || known.salt(Of::Principal, name).is_some();
        let mut named = NAMED.iter().filter_map(|name| entry.detail.get(*name));
        let near = entry.context.address.as_deref().is_none_or(is_loopback);
        let principal = entry.principal.as_str();
        let mut placed = placed(entry).iter().filter_map(|(name, of)| Some((*of, entry.detail.get(*name)?)));
        self.folder.is_none()
            || has(principal)
                && (near || known.salt(Of::Principal, principal).is_some())
                && named.all(|name| has(name))
                && placed.all(|(of, name)| {
                    let (_, name) = split(of, name);
                    !self.hides(of, name) || known.salt(of, name).is_some()
                })
    }

    /// How entries name that now: for questions that start from a name.
    pub fn word_for(&self, of: Of, name: &str) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.salt(of, name).map_or_else(|| name.to_owned(), Salt::word)
    }

    /// Whether entries may name that principal by a pseudonym only.
    pub fn covers(&self, name: &str) -> bool {
        self.hides(Of::Principal, name)
    }

    /// How an entry is to name that: makes a salt for what is new.
    ///
    /// # Errors
    /// When a new salt cannot be kept.
    pub fn word_to_keep(&self, of: Of, name: &str) -> io::Result<String> {
        let (before, name) = split(of, name);
        if !self.hides(of, name) {
            return Ok(format!("{before}{name}"));
        }
        Ok(format!("{before}{}", self.pseudonym(of, name, of.word(), name)?))
    }

    fn hides(&self, of: Of, name: &str) -> bool {
        self.folder.is_some() && self.is_person(name) && !self.clear.contains(&(of, name.to_owned()))
    }

    /// What an entry names by that word, while it is known.
    pub fn named(&self, word: &str) -> Option<(Of, String)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).names.get(word).cloned()
    }

    /// The places of environments that have that person's name in their path: what is before an `@`, as one part of it.
    pub fn places_of(&self, name: &str) -> Vec<String> {
        let short = name.split('@').next().unwrap_or(name);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let all = known.salts.get(&Of::Environment).into_iter().flat_map(BTreeMap::keys);
        let theirs = |place: &&String| place.split('/').any(|part| part == short || part == name);
        if short.is_empty() { Vec::new() } else { all.filter(theirs).cloned().collect() }
    }

    /// Deletes the salt of that name and gives the pseudonym that from now on names nobody. Nothing when there is none.
    ///
    /// # Errors
    /// When the file cannot be removed, durably.
    pub fn erase(&self, of: Of, name: &str) -> io::Result<Option<String>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((folder, salt)) = self.folder.as_ref().zip(known.salt(of, name)) else { return Ok(None) };
        let pseudonym = salt.word();
        // Overwritten first: where the file system writes in place, the old bytes are then gone as well.
        let path = folder.join(format!("{}.json", &pseudonym[1..]));
        crate::files::overwrite(&path)?;
        crate::files::remove_durably(&path)?;
        known.salts.get_mut(&of).and_then(|salts| salts.remove(name));
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

    /// The text with names in the place of pseudonyms that are still known.
    pub fn reveal_text(&self, text: &str) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(MARK) {
            let (before, marked) = rest.split_at(at);
            shown.push_str(before);
            let name = marked.get(..=DIGITS).and_then(|word| known.names.get(word));
            shown.push_str(name.map_or("~", |(_, name)| name.as_str()));
            rest = &marked[if name.is_some() { DIGITS + 1 } else { 1 }..];
        }
        shown.push_str(rest);
        shown
    }

    fn is_person(&self, name: &str) -> bool {
        !name.is_empty() && !self.roles.contains(name) && !is_pseudonym(name)
    }

    fn pseudonym(&self, of: Of, name: &str, kind: &str, value: &str) -> io::Result<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(salt) = known.salt(of, name) {
            return Ok(salt.pseudonym(kind, value));
        }
        let mut random = [0; 32];
        rand::fill(&mut random).map_err(|_| io::Error::other("the system gave no randomness"))?;
        let salt = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let salt = Salt { of, subject: name.to_owned(), salt };
        if let Some(folder) = &self.folder {
            let bytes = serde_json::to_vec(&salt).map_err(io::Error::other)?;
            crate::files::replace(&folder.join(format!("{}.json", &salt.word()[1..])), &bytes, 0o600)?;
        }
        let word = salt.pseudonym(kind, value);
        known.add(salt);
        Ok(word)
    }
}

/// The lines of an entry's detail that name a machine, or a place on it.
fn placed(entry: &Entry) -> &'static [(&'static str, Of)] {
    match entry.action {
        Action::Inventory => &[("host", Of::Host), ("environment", Of::Environment)],
        Action::Build | Action::Run => &[("host", Of::Host)],
        _ => &[],
    }
}

/// What kind of environment it is, which is no secret, and its place.
pub fn split(of: Of, name: &str) -> (&str, &str) {
    let kind = (of == Of::Environment).then(|| name.split_once(' ')).flatten();
    match kind.filter(|(kind, _)| PLACES.contains(kind)) {
        Some((kind, _)) => name.split_at(kind.len() + 1),
        None => ("", name),
    }
}

fn is_pseudonym(text: &str) -> bool {
    let digits = text.strip_prefix(MARK);
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_loopback(address: &str) -> bool {
    address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
