//! Languages: each adapter turns the bytes of one file into a [`View`], behind which its parser can change.
//!
//! An adapter resolves names (aliases, `__import__`, `getattr`), folds constants within a budget, and follows values inside
//! a unit from source to sink. It never fails: what does not parse degrades to tokens, what is too much says so in
//! [`Fidelity`], and both are visible to detectors. Adapters are pure and linear in the size of the file.

use crate::behaviour::Effect;
use crate::detector::Want;
use crate::report::ArchiveKind;

pub(crate) mod javascript;
pub(crate) mod markdown;
pub(crate) mod measure;
pub(crate) mod places;
pub(crate) mod python;
pub(crate) mod rust;
pub(crate) mod shell;

/// The language of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// Python 3, or 2 where it does not parse as 3.
    Python,
    /// JavaScript and TypeScript.
    JavaScript,
    /// Rust.
    Rust,
    /// Text for a POSIX shell, `cmd` or PowerShell.
    Shell,
    /// Markdown that instructs people or agents.
    Markdown,
}

/// How well the file was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fidelity {
    /// Parsed.
    Parsed,
    /// It does not parse; what is in the view comes from its tokens. The text says what the parser said.
    Tokens(String),
    /// A budget ended before the file did: the view holds what was seen until then.
    Partial(String),
    /// It was not read at all, because it is larger than its reader takes: so many bytes. The view holds nothing.
    Unread(u64),
}

/// What one file does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The member of the archive.
    pub path: String,
    /// In which language.
    pub language: Language,
    /// How well it was understood.
    pub fidelity: Fidelity,
    /// What it imports, in order.
    pub imports: Vec<Import>,
    /// Its units. The first is the top level; there is always one.
    pub units: Vec<Unit>,
    /// Literals worth keeping.
    pub literals: Literals,
    /// How the text looks.
    pub shape: Shape,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The module as the language names it, made absolute where the file says how: `requests`, `pkg.mod`, `./lib.js`.
    pub module: String,
    /// Line, from 1.
    pub line: u32,
    /// Index into [`View::units`] of the unit that imports: 0 is the top level.
    pub unit: usize,
}

/// The top level of a file, or a function in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// Empty for the top level, else the dotted name in the file: `Installer.run`.
    pub name: String,
    /// Line, from 1.
    pub line: u32,
    /// What it does itself.
    pub effects: Vec<Effect>,
    /// What it calls, or starts by a thread, a timer, `atexit` or a decorator that calls.
    pub calls: Vec<Callee>,
    /// A hash of the unit's normalised code (names of locals, literals' quotes, comments and white space do not count), for
    /// the delta between releases and for clones. 0 where there is none.
    pub digest: u64,
}

/// What a unit calls, as far as it lies in this package.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Callee {
    /// A unit of the same file, by index.
    Local(usize),
    /// Something in another module: module as in [`Import::module`], and the dotted name there.
    Other(String, String),
}

/// Literals of a file that profiles and detectors need.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Literals {
    /// Hosts and addresses in URLs and in arguments of network calls: lower case, without port, each once, with its first line.
    pub hosts: Vec<(String, u32)>,
    /// E-mail addresses in strings, lower case, each once, with its first line, and whether the line sends blind copies.
    pub mails: Vec<(String, u32, bool)>,
    /// Literals of 2 kB and more that look encoded (base64, hex, escapes): line and length.
    pub encoded: Vec<(u32, u32)>,
}

/// How the text of a file looks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    /// Lines.
    pub lines: u32,
    /// Bytes of the longest line, and its number.
    pub longest: (u32, u32),
    /// The first line that has code after more than 150 blanks.
    pub pushed_right: Option<u32>,
    /// The first line with bidirectional controls or invisible characters outside comments, or identifiers that mix scripts.
    pub deceptive: Option<u32>,
    /// Where nothing is computed (constants, empty functions, words that are printed): how many expressions there are.
    pub idle: Option<u32>,
}

/// One language: which members it takes, how much of them, and how they are read.
pub(crate) struct Adapter {
    /// How much of the member at this path it wants; [`Want::Nothing`] when the file is not of its language.
    pub(crate) wants: fn(ArchiveKind, &str) -> Want,
    /// The view of one file: path and bytes.
    pub(crate) view: fn(&str, &[u8]) -> View,
}

/// Every adapter; the first that wants a file reads it.
pub(crate) static ADAPTERS: &[&Adapter] =
    &[&python::ADAPTER, &javascript::ADAPTER, &rust::ADAPTER, &shell::ADAPTER, &markdown::ADAPTER];
