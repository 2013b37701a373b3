//! A run's profile: what is enforced, and where it gives way. The shipped one gives way nowhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a profile file may say. Everything has a default; what is not known is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// What to call it; the file's name when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Files.
    #[serde(skip_serializing_if = "Files::is_default")]
    pub files: Files,
    /// Environment.
    #[serde(skip_serializing_if = "Environment::is_default")]
    pub environment: Environment,
    /// Network.
    #[serde(skip_serializing_if = "Network::is_default")]
    pub network: Network,
    /// Limits.
    #[serde(skip_serializing_if = "Limits::is_default")]
    pub limits: Limits,
    /// Tripwires.
    #[serde(skip_serializing_if = "Tripwires::is_default")]
    pub tripwires: Tripwires,
}

/// Files that a run sees and writes beyond the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Files {
    /// Paths of the home that are in sight, read-only. `~/` is the home.
    pub read: Vec<String>,
    /// Paths that may be written besides the work directory.
    pub write: Vec<String>,
    /// Protected paths of the work directory that this profile leaves writable, such as `.venv`.
    pub unprotect: Vec<String>,
    /// Folders of the work directory that are not looked through before and after the run: data sets, mostly. What starts
    /// programs later and what holds secrets is neither found nor kept in them, and the record of the run says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<String>,
    /// Files like `.env` in the work directory that the program may read.
    pub dotenv: bool,
}

/// Variables that a run gets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Environment {
    /// Names that pass although they look like secrets.
    pub keep: BTreeSet<String>,
    /// Names that do not pass although they do not.
    pub remove: BTreeSet<String>,
}

/// Hosts that the program wants: a note for readers. Rules of gate `egress` in the policy open them, and a run says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Network {
    /// Hosts, as `name:port`.
    pub hosts: BTreeSet<String>,
}

/// What a run may use up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Mebibytes of private memory of each process.
    pub memory: Option<u64>,
    /// Mebibytes that each temporary folder may hold.
    pub temporary: Option<u64>,
}

/// Which paths beyond the known ones are credentials, and what is behind a tripwire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tripwires {
    /// Further folders or files.
    pub also: Vec<String>,
    /// What is found: `deny` or `absent`.
    pub mode: Mode,
    /// Paths behind which a plausible, false value is found.
    pub canary: Vec<String>,
}

/// What somebody finds behind a tripwire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// That it may not be read.
    #[default]
    Deny,
    /// That nothing is there.
    Absent,
}

macro_rules! is_default {
    ($($kind:ty),*) => { $(impl $kind {
        fn is_default(&self) -> bool {
            *self == Self::default()
        }
    })* };
}
is_default!(Files, Environment, Network, Limits, Tripwires);

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// When the text is not one, with the place.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// What to call it.
    pub fn called(&self, file: Option<&Path>) -> String {
        let stem = || file.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        self.name.clone().or_else(stem).unwrap_or_else(|| "default".to_owned())
    }
}

/// A path of a profile: `~/x` below the home, `x` below the work directory, `/x` as it is.
pub fn resolve(text: &str, work_dir: &Path, home: Option<&Path>) -> Option<PathBuf> {
    match text.strip_prefix("~/") {
        Some(below) => Some(home?.join(below)),
        None => Some(work_dir.join(text)),
    }
}
