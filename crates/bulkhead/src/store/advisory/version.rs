//! Versions of the ecosystems that advisories range over.

use std::cmp::Ordering;

use bulkhead_core::Ecosystem;
use pep440_rs::Version;

/// No real version is longer.
const LONGEST: usize = 200;

/// A version, ordered as its ecosystem orders them. Versions of different schemes have no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// PyPI: PEP 440.
    Pep440(Version),
    /// npm and crates.io: SemVer 2.0.
    Semver(Semver),
}

impl Release {
    /// Reads a version; nothing when the ecosystem could not have it, or has no order of versions.
    pub fn parse(ecosystem: Ecosystem, text: &str) -> Option<Self> {
        if text.len() > LONGEST || !text.is_ascii() {
            return None;
        }
        match ecosystem {
            Ecosystem::Pypi => text.parse().ok().map(Self::Pep440),
            Ecosystem::Npm | Ecosystem::Cargo => Semver::parse(text).map(Self::Semver),
            Ecosystem::Huggingface => None,
        }
    }
}

impl PartialOrd for Release {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Pep440(one), Self::Pep440(other)) => Some(one.cmp(other)),
            (Self::Semver(one), Self::Semver(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }
}

/// A version of SemVer 2.0, without its build metadata, which has no part in the order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Semver {
    numbers: [u64; 3],
    stage: Stage,
}

/// A release stands after all its pre-releases (SemVer 2.0, section 11).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Pre(Vec<Identifier>),
    Release,
}

/// Numbers stand before words (SemVer 2.0, section 11.4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

impl Semver {
    /// Reads a version. Bounds of advisories may leave out the minor and patch number.
    fn parse(text: &str) -> Option<Self> {
        let text = text.split_once('+').map_or(text, |(version, _build)| version);
        let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for number in &mut numbers {
            match parts.next() {
                Some(digits) => *number = read_number(digits)?,
                None => break,
            }
        }
        if parts.next().is_some() {
            return None;
        }
        let stage = match pre {
            None => Stage::Release,
            Some(pre) => Stage::Pre(pre.split('.').map(Identifier::read).collect::<Option<_>>()?),
        };
        Some(Self { numbers, stage })
    }
}

impl Identifier {
    fn read(text: &str) -> Option<Self> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return None;
        }
        Some(read_number(text).map_or_else(|| Self::Word(text.to_owned()), Self::Number))
    }
}

fn read_number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}
