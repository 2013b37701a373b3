//! Witness policies (C2SP tlog-policy): which logs and witnesses are known, and whose cosignatures make a quorum.
//!
//! The file is the one that other programs of the field read, so an auditor writes it once:
//!
//! ```text
//! log ledger.example/main+...+...
//! witness w1 witness.example/w1+...+... https://witness.example/
//! witness w2 other.example/w2+...+...   https://other.example/
//! group both all w1 w2
//! quorum both
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::cosign::{Cosigned, WitnessKey};
use crate::key::{KeyError, VerifierKey};
use crate::note::Note;
use crate::trust::{Trust, Trusted};

#[cfg(test)]
mod tests;

/// Ample: the specification asks for 32 of each.
const MOST: usize = 256;
/// The predefined name for no quorum.
const NONE: &str = "none";

/// A policy that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessPolicy {
    logs: Vec<KnownLog>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    /// Nothing for `quorum none`.
    quorum: Option<Member>,
}

/// A `log` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLog {
    /// The log's key; its name is the origin.
    pub key: VerifierKey,
    /// Where the log is.
    pub url: Option<String>,
}

/// A `witness` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its name within the policy.
    pub name: String,
    /// Its key.
    pub key: WitnessKey,
    /// Its submission prefix.
    pub url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    needed: usize,
    members: Vec<Member>,
}

/// An index into the witnesses or the groups. A group's members stand before it, so there are no cycles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// A policy cannot be read; the line is counted from 1.
#[derive(Debug, thiserror::Error)]
#[error("witness policy, line {line}: {what}")]
pub struct PolicyError {
    /// The line, or the one after the last when something is missing.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl WitnessPolicy {
    /// The policy of one log without witnesses.
    pub fn none() -> Self {
        Self { logs: Vec::new(), witnesses: Vec::new(), groups: Vec::new(), quorum: None }
    }

    /// The same witnesses and quorum for this log and no other: for a policy that names no logs.
    #[must_use]
    pub fn for_log(&self, key: &VerifierKey) -> Self {
        Self { logs: vec![KnownLog { key: key.clone(), url: None }], ..self.clone() }
    }

    /// The logs.
    pub fn logs(&self) -> &[KnownLog] {
        &self.logs
    }

    /// The witnesses.
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// The known witnesses that cosigned the note.
    ///
    /// # Errors
    /// When a line in the name of a known witness does not verify.
    pub fn cosigners(&self, note: &Note, checkpoint: &Checkpoint) -> Result<Vec<Cosigned>, CheckpointError> {
        Ok(self.cosignatures(note, checkpoint)?.into_iter().flatten().collect())
    }

    /// By witness, in the order of the file.
    fn cosignatures(&self, note: &Note, checkpoint: &Checkpoint) -> Result<Vec<Option<Cosigned>>, CheckpointError> {
        let cosigned = self.witnesses.iter().map(|witness| witness.key.cosigned(note, checkpoint));
        Ok(cosigned.collect::<Result<_, _>>()?)
    }

    /// Whether these witnesses, by their place in the file, are a quorum.
    fn satisfied(&self, cosigned: &[bool]) -> bool {
        let mut groups = Vec::with_capacity(self.groups.len());
        let holds = |groups: &[bool], member: Member| match member {
            Member::Witness(place) => cosigned.get(place).copied().unwrap_or(false),
            Member::Group(place) => groups.get(place).copied().unwrap_or(false),
        };
        for group in &self.groups {
            let count = group.members.iter().filter(|member| holds(&groups, **member)).count();
            groups.push(count >= group.needed);
        }
        self.quorum.is_none_or(|quorum| holds(&groups, quorum))
    }
}

impl Trust for WitnessPolicy {
    fn check(&self, note: &[u8]) -> Result<Trusted, CheckpointError> {
        let parsed = Note::parse(note)?;
        let claimed = Checkpoint::from_text(parsed.unverified_text())?;
        let known = self.logs.iter().map(|log| &log.key).filter(|key| *key.name() == claimed.origin);
        let mut refused = CheckpointError::UnknownLog(claimed.origin.clone());
        for key in known {
            match Checkpoint::verify(note, key) {
                Err(error) => refused = error,
                Ok(checkpoint) => {
                    let cosigned = self.cosignatures(&parsed, &checkpoint)?;
                    let places: Vec<bool> = cosigned.iter().map(Option::is_some).collect();
                    let cosigned: Vec<Cosigned> = cosigned.into_iter().flatten().collect();
                    if !self.satisfied(&places) {
                        let (cosigned, known) = (cosigned.len(), self.witnesses.len());
                        return Err(CheckpointError::NoQuorum { cosigned, known, size: checkpoint.size });
                    }
                    return Ok(Trusted { checkpoint, key: key.clone(), cosigned });
                }
            }
        }
        Err(refused)
    }

    fn needs_witnesses(&self) -> bool {
        self.quorum.is_some()
    }
}

impl FromStr for WitnessPolicy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let mut reader = Reader { policy: Self::none(), names: BTreeMap::new(), quorum: false };
        let mut last = 0;
        for (number, line) in text.split('\n').enumerate() {
            last = number + 1;
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            if words.first().is_some_and(|word| !word.starts_with('#')) {
                reader.line(&words).map_err(|what| PolicyError { line: last, what })?;
            }
        }
        if !reader.quorum {
            let what = "there is no quorum line; `quorum none` asks for no cosignature".to_owned();
            return Err(PolicyError { line: last, what });
        }
        Ok(reader.policy)
    }
}

struct Reader {
    policy: WitnessPolicy,
    names: BTreeMap<String, Member>,
    quorum: bool,
}

impl Reader {
    fn line(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["log", key] => self.log(key, None),
            ["log", key, url] => self.log(key, Some(url)),
            ["witness", name, key] => self.witness(name, key, None),
            ["witness", name, key, url] => self.witness(name, key, Some(url)),
            ["group", name, needed, members @ ..] if !members.is_empty() => self.group(name, needed, members),
            ["quorum", name] => self.set_quorum(name),
            [word @ ("log" | "witness" | "group" | "quorum"), ..] => {
                Err(format!("`{word}` does not have the words that it needs"))
            }
            [word, ..] => Err(format!("`{}` is not log, witness, group or quorum", word.escape_default())),
            [] => Ok(()),
        }
    }

    fn log(&mut self, key: &str, url: Option<&str>) -> Result<(), String> {
        let key: VerifierKey = key.parse().map_err(|error: KeyError| error.to_string())?;
        if self.policy.logs.iter().any(|known| known.key.same_key(&key)) {
            return Err("the same log key stands here twice".to_owned());
        }
        room(self.policy.logs.len())?;
        self.policy.logs.push(KnownLog { key, url: url.map(str::to_owned) });
        Ok(())
    }

    fn witness(&mut self, name: &str, key: &str, url: Option<&str>) -> Result<(), String> {
        let key: WitnessKey = key.parse().map_err(|error: KeyError| error.to_string())?;
        if self.policy.witnesses.iter().any(|known| known.key.same_key(&key)) {
            return Err("the same witness key stands here twice: one witness would count as two".to_owned());
        }
        room(self.policy.witnesses.len())?;
        self.name(name, Member::Witness(self.policy.witnesses.len()))?;
        self.policy.witnesses.push(Witness { name: name.to_owned(), key, url: url.map(str::to_owned) });
        Ok(())
    }

    fn group(&mut self, name: &str, needed: &str, members: &[&str]) -> Result<(), String> {
        let members = members.iter().map(|member| self.known(member)).collect::<Result<Vec<_>, _>>()?;
        if members.iter().enumerate().any(|(at, member)| members[..at].contains(member)) {
            return Err("a member stands here twice".to_owned());
        }
        let needed = match needed {
            "any" => 1,
            "all" => members.len(),
            number => {
                let number = crate::checkpoint::decimal(number).and_then(|number| usize::try_from(number).ok());
                let number = number.filter(|number| (1..=members.len()).contains(number));
                number.ok_or(format!("the number needed is `any`, `all`, or 1 to {}", members.len()))?
            }
        };
        room(self.policy.groups.len())?;
        self.name(name, Member::Group(self.policy.groups.len()))?;
        self.policy.groups.push(Group { name: name.to_owned(), needed, members });
        Ok(())
    }

    fn set_quorum(&mut self, name: &str) -> Result<(), String> {
        if std::mem::replace(&mut self.quorum, true) {
            return Err("there is a second quorum line".to_owned());
        }
        self.policy.quorum = if name == NONE { None } else { Some(self.known(name)?) };
        Ok(())
    }

    fn name(&mut self, name: &str, member: Member) -> Result<(), String> {
        if name == NONE {
            return Err("`none` cannot be a name".to_owned());
        }
        match self.names.insert(name.to_owned(), member) {
            None => Ok(()),
            Some(_) => Err(format!("the name `{}` stands here twice", name.escape_default())),
        }
    }

    fn known(&self, name: &str) -> Result<Member, String> {
        let found = self.names.get(name).copied();
        found.ok_or_else(|| format!("`{}` is no witness or group of a line above", name.escape_default()))
    }
}

fn room(count: usize) -> Result<(), String> {
    if count < MOST { Ok(()) } else { Err(format!("there are more than {MOST} of these")) }
}

impl fmt::Display for WitnessPolicy {
    /// The file; without comments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = |url: &Option<String>| url.as_ref().map(|url| format!(" {url}")).unwrap_or_default();
        for log in &self.logs {
            writeln!(f, "log {}{}", log.key, url(&log.url))?;
        }
        for witness in &self.witnesses {
            writeln!(f, "witness {} {}{}", witness.name, witness.key, url(&witness.url))?;
        }
        let name = |member: &Member| match *member {
            Member::Witness(place) => self.witnesses[place].name.as_str(),
            Member::Group(place) => self.groups[place].name.as_str(),
        };
        for group in &self.groups {
            let members: Vec<&str> = group.members.iter().map(name).collect();
            writeln!(f, "group {} {} {}", group.name, group.needed, members.join(" "))?;
        }
        writeln!(f, "quorum {}", self.quorum.as_ref().map_or(NONE, name))
    }
}
