//! Which versions an advisory is about (OSV schema 1.7, "Evaluation").

use std::cmp::Ordering;

use bulkhead_core::Ecosystem;
use serde::{Deserialize, Serialize};

use super::Release;

/// The part of an advisory that is about one package.
#[derive(Debug, Clone, PartialEq)]
pub struct Affected {
    ecosystem: Ecosystem,
    name: String,
    versions: Vec<String>,
    ranges: Vec<Range>,
    /// The versions named one by one, read once: a listing asks about thousands of files.
    named: Vec<Release>,
    compiled: Vec<Compiled>,
}

/// A range of versions: bounds, in the order of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Range {
    /// The bounds (OSV `events`).
    pub bounds: Vec<Bound>,
}

/// One bound of a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bound {
    /// From this version on; `0` stands before every version.
    #[serde(rename = "i")]
    Introduced(String),
    /// Up to, and without, this version.
    #[serde(rename = "f")]
    Fixed(String),
    /// Up to and with this version.
    #[serde(rename = "l")]
    LastAffected(String),
}

/// Whether a version is affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Affects {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// The record has a bound that is not a version there, so nobody can say.
    Unsure {
        /// The bound as the record spells it.
        bound: String,
    },
}

impl Affected {
    /// The part of an advisory about the package of that normalised name.
    pub fn new(ecosystem: Ecosystem, name: String, versions: Vec<String>, ranges: Vec<Range>) -> Self {
        let named = versions.iter().filter_map(|version| Release::parse(ecosystem, version)).collect();
        let compiled = ranges.iter().map(|range| Compiled::new(ecosystem, range)).collect();
        Self { ecosystem, name, versions, ranges, named, compiled }
    }

    /// The ecosystem.
    pub fn ecosystem(&self) -> Ecosystem {
        self.ecosystem
    }

    /// The normalised name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The versions named one by one, as the record spells them.
    pub fn versions(&self) -> &[String] {
        &self.versions
    }

    /// The ranges.
    pub fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// Whether the version is named or lies in a range. Equality is the ecosystem's: `1.82.8.0` is `1.82.8` on PyPI.
    pub fn affects(&self, version: &Release) -> Affects {
        if self.named.contains(version) {
            return Affects::Yes;
        }
        let mut answer = Affects::No;
        for range in &self.compiled {
            match range.affects(version) {
                Affects::Yes => return Affects::Yes,
                Affects::No => {}
                unsure @ Affects::Unsure { .. } => answer = unsure,
            }
        }
        answer
    }
}

/// A range with its bounds read and sorted.
#[derive(Debug, Clone, PartialEq)]
enum Compiled {
    Bounds(Vec<Step>),
    /// From before every version, and never ended: what most malicious packages have.
    Everything,
    Unreadable(String),
}

/// At and above `from`, the versions are affected or not.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    /// Nothing: before every version.
    from: Option<Release>,
    turn: Turn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    On,
    Off,
    /// Off, but only above.
    OffAbove,
}

impl Compiled {
    fn new(ecosystem: Ecosystem, range: &Range) -> Self {
        if range.bounds.iter().all(|bound| matches!(bound, Bound::Introduced(text) if text == "0")) {
            return if range.bounds.is_empty() { Self::Bounds(Vec::new()) } else { Self::Everything };
        }
        let mut steps = Vec::with_capacity(range.bounds.len());
        for bound in &range.bounds {
            let (text, turn) = match bound {
                Bound::Introduced(text) => (text, Turn::On),
                Bound::Fixed(text) => (text, Turn::Off),
                Bound::LastAffected(text) => (text, Turn::OffAbove),
            };
            let from = match text.as_str() {
                "0" if turn == Turn::On => None,
                text => match Release::parse(ecosystem, text) {
                    Some(release) => Some(release),
                    None => return Self::Unreadable(text.to_owned()),
                },
            };
            steps.push(Step { from, turn });
        }
        // Stable, so that bounds at one version keep the order of the record (fixed in 2, introduced again in 2); only
        // "last affected" goes behind all others there, as it begins above its version.
        steps.sort_by(|one, other| {
            let by_version = one.from.partial_cmp(&other.from).unwrap_or(Ordering::Equal);
            by_version.then((one.turn == Turn::OffAbove).cmp(&(other.turn == Turn::OffAbove)))
        });
        Self::Bounds(steps)
    }

    fn affects(&self, version: &Release) -> Affects {
        let steps = match self {
            Self::Everything => return Affects::Yes,
            Self::Unreadable(bound) => return Affects::Unsure { bound: bound.clone() },
            Self::Bounds(steps) => steps,
        };
        let reached = |step: &&Step| match (&step.from, step.turn) {
            (None, _) => true,
            (Some(from), Turn::OffAbove) => version > from,
            (Some(from), Turn::On | Turn::Off) => version >= from,
        };
        match steps.iter().rfind(reached) {
            Some(Step { turn: Turn::On, .. }) => Affects::Yes,
            _ => Affects::No,
        }
    }
}
