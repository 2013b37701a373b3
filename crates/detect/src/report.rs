//! What the worker sends to the gate: everything that was seen in one archive.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_core::{Finding, Sha256};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clones::Sketch;
use crate::detector::RULESET;
use crate::filename;
use crate::findings::Findings;
use crate::profile::Profile;
use crate::structure::Flaw;

/// What kind of archive a file is, by its name; the content is then held to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArchiveKind {
    /// A wheel, `.whl` (PEP 427).
    Wheel,
    /// A source distribution, `.tar.gz` or `.tgz` (PEP 625).
    SdistTarGz,
    /// A source distribution of the older form, `.zip`.
    SdistZip,
    /// An egg, `.egg`: a zip that today's installers ignore.
    Egg,
    /// An npm tarball, `.tgz`: one directory (`package/`, as a rule) with a `package.json` in it.
    Npm,
    /// A Rust crate, `.crate`: gzipped tar of one directory with a `Cargo.toml`.
    Crate,
    /// A directory that was packed here to be looked at: a plain tar, of site-packages, `node_modules` or a source tree.
    Tree,
    /// Anything else. There is no reader for it, so it is unreadable.
    Other,
}

impl ArchiveKind {
    /// The kind that a file's name promises, by its extension in any case.
    pub fn of(file_name: &str) -> Self {
        filename::kind(file_name)
    }

    /// The kind of a file that somebody names on this machine, where no registry says what it is: as [`ArchiveKind::of`],
    /// and `.tgz` is what npm writes. A gate asks for the kind that its registry has, whatever the name.
    pub fn of_local(file_name: &str) -> Self {
        if file_name.to_ascii_lowercase().ends_with(".tgz") { Self::Npm } else { Self::of(file_name) }
    }

    /// The word used in facts and output: `wheel`, `sdist`, `egg`, `npm`, `crate`, `tree`, `other`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wheel => "wheel",
            Self::SdistTarGz | Self::SdistZip => "sdist",
            Self::Egg => "egg",
            Self::Npm => "npm",
            Self::Crate => "crate",
            Self::Tree => "tree",
            Self::Other => "other",
        }
    }

    /// Whether it is a source distribution.
    pub fn is_sdist(self) -> bool {
        matches!(self, Self::SdistTarGz | Self::SdistZip)
    }

    /// Whether it holds a Python distribution, and the rules of its metadata apply.
    pub fn is_python(self) -> bool {
        matches!(self, Self::Wheel | Self::Egg | Self::SdistTarGz | Self::SdistZip)
    }
}

/// Everything that was seen in one archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The version of the detector set that made the report ([`RULESET`]); a cached report with another one is stale.
    pub ruleset: String,
    /// What kind of archive the name promises.
    pub kind: ArchiveKind,
    /// Whether every member could be read to its end. False always comes with a finding that says why.
    pub readable: bool,
    /// What was seen, worst first.
    pub findings: Vec<Finding>,
    /// What the code can do and what else the release is made of: what the next release is compared with.
    pub profile: Profile,
    /// The core metadata: `METADATA` of a wheel, `PKG-INFO` of an sdist.
    pub metadata: Option<CoreMetadata>,
    /// Every regular file, in the archive's order.
    pub members: Vec<Member>,
    /// Members of every kind: files, directories, links.
    pub member_count: u64,
    /// Unpacked bytes of all files.
    pub unpacked_size: u64,
    /// What its code is like: with it, two archives are compared without either. Absent in reports of older rules.
    #[serde(default)]
    pub sketch: Sketch,
}

impl Report {
    /// The report on an archive over which the worker broke down: it crashed or sent nonsense.
    pub fn unreadable(kind: ArchiveKind, why: &str) -> Self {
        Self::unread(kind, Flaw::Unreadable, format!("the archive could not be read: {why}"))
    }

    /// The report on an archive for which the worker's memory or time was not enough: honest ones can be as large.
    pub fn unfinished(kind: ArchiveKind, why: &str) -> Self {
        Self::unread(kind, Flaw::Unfinished, format!("the archive could not be read to its end: {why}"))
    }

    fn unread(kind: ArchiveKind, flaw: Flaw, title: String) -> Self {
        let mut findings = Findings::new();
        findings.flaw(flaw, None, title);
        Self {
            ruleset: RULESET.to_owned(),
            kind,
            readable: false,
            findings: findings.finish(),
            profile: Profile::default(),
            metadata: None,
            members: Vec::new(),
            member_count: 0,
            unpacked_size: 0,
            sketch: Sketch::default(),
        }
    }
}

/// One regular file of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its path as the archive spells it, control characters and bytes that are not UTF-8 escaped.
    pub path: String,
    /// Unpacked bytes.
    pub size: u64,
    /// The digest of its content.
    pub sha256: Sha256,
}

/// The core metadata file, exactly as in the archive, with the fields that gates need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreMetadata {
    /// The bytes of the file. Served to clients as they are (PEP 658).
    pub content: Content,
    /// The digest of those bytes.
    pub sha256: Sha256,
    /// `Name`, as spelled.
    pub name: Option<String>,
    /// `Version`, as spelled.
    pub version: Option<String>,
    /// `Requires-Python`, as spelled.
    pub requires_python: Option<String>,
}

/// Bytes that are nearly always UTF-8: `{"text": ...}`, or `{"base64": ...}` when they are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wire {
    Text(String),
    Base64(String),
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => Wire::Text(text.to_owned()),
            Err(_) => Wire::Base64(STANDARD.encode(&self.0)),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Wire::deserialize(deserializer)? {
            Wire::Text(text) => text.into_bytes(),
            Wire::Base64(text) => STANDARD.decode(text).map_err(serde::de::Error::custom)?,
        }))
    }
}
