//! What is remembered of a release once it was judged: what its code can do when, and what else it is made of.
//!
//! A profile is what the next release is compared with ([`crate::delta`]). It travels in the report, is kept by digest and
//! ruleset, and is bounded whatever the archive holds; a list that was cut says so in [`Profile::cut`], and nothing is
//! concluded from what a cut list lacks. Its words are append-only: profiles of years are kept with them.

mod make;
pub(crate) mod requires;

use bulkhead_core::{FindingContext, Sha256};
use serde::{Deserialize, Serialize};

use crate::behaviour::{Ability, Sources, unasked};

pub(crate) use make::of;
pub(crate) use requires::wants;

/// What one release can do and is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// Each ability in each context, once, with the first place where it is.
    pub behaviours: Vec<Doing>,
    /// Hosts and addresses that the code names, each once, with the earliest context in which its file runs.
    pub hosts: Vec<Host>,
    /// E-mail addresses in strings of code, each once.
    pub mails: Vec<Mail>,
    /// What starts code without anybody calling it, and what offers to.
    pub hooks: Vec<Start>,
    /// Packages that it asks for.
    pub dependencies: Vec<Dependency>,
    /// What its code imports from outside, by top-level name.
    pub imports: Vec<String>,
    /// Native code, archives and other files that nobody can read.
    pub blobs: Vec<Blob>,
    /// Each file of code.
    pub files: Vec<CodeFile>,
    /// Counts.
    pub structure: Structure,
    /// The lists that were too long to keep whole: `hosts`, `files`.
    pub cut: Vec<String>,
}

/// An ability in a context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doing {
    /// When.
    pub context: FindingContext,
    /// What.
    pub ability: Ability,
    /// At how many places.
    pub count: u32,
    /// The first of them: a path as in [`CodeFile::path`].
    pub path: String,
    /// Its line, from 1.
    pub line: u32,
}

impl Doing {
    /// `import:spawn`, as policy sees it.
    pub fn word(&self) -> String {
        format!("{}:{}", self.context.as_str(), self.ability)
    }
}

/// A host or an address that code names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Lower case, without a port.
    pub name: String,
    /// The earliest context in which code of a file that names it runs.
    pub context: FindingContext,
    /// Where.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
}

/// An e-mail address that code holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Lower case.
    pub name: String,
    /// Whether a line that names it sends blind copies.
    pub blind: bool,
    /// Where.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
}

/// What starts code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// As [`crate::Hook::kind`].
    pub kind: String,
    /// When it runs.
    pub context: FindingContext,
    /// The member that declares it.
    pub path: String,
    /// Line, from 1; 0 where there is none.
    pub line: u32,
    /// What it runs, as declared, cut.
    pub runs: String,
}

/// A package that it asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// The name, as the ecosystem normalises it.
    pub name: String,
    /// What is asked of it, as spelled, cut.
    pub wants: String,
    /// Whether it comes from a URL or a repository in place of the registry.
    pub url: bool,
    /// Whether it is installed only when somebody asks for it: an extra, a development or optional dependency.
    pub optional: bool,
}

/// A file that cannot be read as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    /// Where.
    pub path: String,
    /// Unpacked bytes.
    pub size: u64,
    /// What it is.
    pub kind: BlobKind,
    /// The digest of its content, when it was read whole.
    pub sha256: Option<Sha256>,
}

/// What a file that cannot be read as text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlobKind {
    /// Machine code for some system, by its first bytes: ELF, PE, Mach-O.
    Native,
    /// Machine code under a name that promises something else.
    Disguised,
    /// Code of another language in megabytes: a bundle of JavaScript in a Python package.
    Foreign,
    /// Byte code without its source: `.pyc`, `.class`, WebAssembly.
    Bytecode,
    /// An archive in the archive.
    Archive,
    /// Large, and none of these.
    Opaque,
}

/// One file of code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeFile {
    /// Its path without what every release has another of: the top directory of a source archive, the version in
    /// `NAME-VERSION.dist-info`.
    pub path: String,
    /// A digest over its units that run unasked. 0: none does.
    pub start: u64,
    /// A digest over all others. 0: there is none.
    pub rest: u64,
    /// How many units it has.
    pub units: u32,
    /// What it does unasked: each ability in each context once.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub acts: Vec<Act>,
}

/// What a file does without being asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// When.
    pub context: FindingContext,
    /// What.
    pub ability: Ability,
    /// What flows into it, over all places in the file.
    pub from: Sources,
    /// The first place: a line, from 1.
    pub line: u32,
    /// What stands there; empty for what nearly every package does.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub excerpt: String,
}

/// Counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Structure {
    /// Regular files.
    pub files: u32,
    /// Files of code that an adapter read.
    pub code: u32,
    /// Of those, files that did not parse.
    pub unparsed: u32,
    /// `.pth` files in a start-up directory.
    pub pth: u32,
    /// Unpacked bytes.
    pub bytes: u64,
}

/// The most that each list keeps, and the longest of its texts.
pub(crate) mod most {
    pub(crate) const BEHAVIOURS: usize = 256;
    pub(crate) const HOSTS: usize = 1_000;
    pub(crate) const MAILS: usize = 500;
    pub(crate) const HOOKS: usize = 200;
    pub(crate) const DEPENDENCIES: usize = 1_000;
    pub(crate) const IMPORTS: usize = 1_000;
    pub(crate) const BLOBS: usize = 500;
    pub(crate) const FILES: usize = 8_000;
    pub(crate) const ACTS: usize = 4_000;
    /// Characters of a path.
    pub(crate) const PATH: usize = 240;
    /// Characters of anything else.
    pub(crate) const TEXT: usize = 120;
}

impl Profile {
    /// `import:spawn` and the like: what policy sees.
    pub fn words(&self) -> Vec<String> {
        self.behaviours.iter().map(Doing::word).collect()
    }

    /// What keeps this from being a profile that this crate made, when something does. For the gate, to which a report is
    /// a stranger's.
    pub fn flaw(&self) -> Option<&'static str> {
        let lists = [
            (self.behaviours.len(), most::BEHAVIOURS),
            (self.hosts.len(), most::HOSTS),
            (self.mails.len(), most::MAILS),
            (self.hooks.len(), most::HOOKS),
            (self.dependencies.len(), most::DEPENDENCIES),
            (self.imports.len(), most::IMPORTS),
            (self.blobs.len(), most::BLOBS),
            (self.files.len(), most::FILES),
            (self.files.iter().map(|file| file.acts.len()).sum(), most::ACTS),
            (self.cut.len(), 16),
        ];
        if lists.iter().any(|(len, most)| len > most) {
            return Some("has a profile with too long a list");
        }
        let paths = self.behaviours.iter().map(|doing| &doing.path);
        let paths = paths.chain(self.hosts.iter().map(|host| &host.path));
        let paths = paths.chain(self.mails.iter().map(|mail| &mail.path));
        let paths = paths.chain(self.hooks.iter().map(|hook| &hook.path));
        let mut paths = paths.chain(self.blobs.iter().map(|blob| &blob.path)).chain(self.files.iter().map(|f| &f.path));
        let texts = self.hosts.iter().map(|host| &host.name);
        let texts = texts.chain(self.mails.iter().map(|mail| &mail.name));
        let texts = texts.chain(self.hooks.iter().flat_map(|hook| [&hook.kind, &hook.runs]));
        let texts = texts.chain(self.dependencies.iter().flat_map(|found| [&found.name, &found.wants]));
        let texts = texts.chain(self.imports.iter()).chain(self.cut.iter());
        let mut texts = texts.chain(self.files.iter().flat_map(|file| file.acts.iter().map(|act| &act.excerpt)));
        if !paths.all(|text| short(text, most::PATH)) || !texts.all(|text| short(text, most::TEXT)) {
            return Some("has a profile with a text that is too long or has control characters");
        }
        if self.files.iter().flat_map(|file| &file.acts).any(|act| !unasked(act.context)) {
            return Some("has a profile that confuses contexts");
        }
        None
    }
}

fn short(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}
