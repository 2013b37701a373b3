//! The answer, as it is printed, recorded by digest, and computed again by whoever received it.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_core::Sha256;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Question;

/// How sure the record is. Never mixed, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// An entry says so.
    Touched,
    /// Nothing stood in between: a live lease, grant or readable path on a tainted host.
    WithinReach,
    /// The record has a gap through which it may have been reached.
    Unknown,
    /// The record is whole, and nothing leads there.
    NotReachable,
}

impl Grade {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Touched => "touched",
            Self::WithinReach => "within reach",
            Self::Unknown => "unknown",
            Self::NotReachable => "not reachable",
        }
    }
}

/// The stage of the walk that a row belongs to, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// A release or file.
    Artifact,
    /// Somebody received it.
    Pull,
    /// A build made something of it.
    Build,
    /// A machine.
    Host,
    /// A run.
    Run,
    /// A network host that a tainted run contacted.
    Contact,
    /// A secret.
    Secret,
    /// A dataset.
    Dataset,
    /// A partner.
    Partner,
    /// The people in a dataset.
    People,
}

impl Stage {
    /// Every stage, in the order of the walk.
    pub const ALL: [Self; 10] = [
        Self::Artifact,
        Self::Pull,
        Self::Build,
        Self::Host,
        Self::Run,
        Self::Contact,
        Self::Secret,
        Self::Dataset,
        Self::Partner,
        Self::People,
    ];

    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Artifact => "artifact",
            Self::Pull => "pull",
            Self::Build => "build",
            Self::Host => "host",
            Self::Run => "run",
            Self::Contact => "contact",
            Self::Secret => "secret",
            Self::Dataset => "dataset",
            Self::Partner => "partner",
            Self::People => "people",
        }
    }
}

/// One thing, how it stands, and which entries say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its stage.
    pub stage: Stage,
    /// Its name.
    pub name: String,
    /// How sure.
    pub grade: Grade,
    /// In words, why.
    pub why: String,
    /// From when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// About how many people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<u64>,
    /// About how many records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Kinds of data and people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// The entries that say so, by index.
    pub entries: BTreeSet<u64>,
}

/// That one row leads to another. Rows are named by their place in [`Answer::rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    /// From.
    pub from: usize,
    /// To.
    pub to: usize,
    /// How sure.
    pub grade: Grade,
}

/// Something that the record does not say, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// In a sentence.
    pub what: String,
    /// The entries from which it is known that something is missing.
    pub entries: BTreeSet<u64>,
}

/// How much there is of each stage, by grade.
pub type Totals = BTreeMap<Stage, BTreeMap<Grade, u64>>;

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The question.
    pub question: Question,
    /// The log's name.
    pub log: String,
    /// The answer rests on the first so many entries.
    pub size: u64,
    /// From when something was exposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// What there is, in the order of the walk, strongest grade first.
    pub rows: Vec<Row>,
    /// What leads where.
    pub edges: Vec<Edge>,
    /// What the record does not say.
    pub gaps: Vec<Gap>,
    /// How much there is of each stage.
    pub totals: Totals,
    /// People in what was touched: at most so many, if nobody is in two datasets.
    pub people_touched: u64,
    /// People in what was within reach, beyond those.
    pub people_within_reach: u64,
}

impl Answer {
    /// The bytes that are kept, sent and compared.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("invariant: an answer is plain data");
        bytes.push(b'\n');
        bytes
    }

    /// SHA-256 of those bytes.
    pub fn digest(&self) -> Sha256 {
        crate::blob::sha256(&self.to_bytes())
    }

    /// Every entry that a row or a gap cites.
    pub fn cited(&self) -> BTreeSet<u64> {
        let rows = self.rows.iter().flat_map(|row| &row.entries);
        rows.chain(self.gaps.iter().flat_map(|gap| &gap.entries)).copied().collect()
    }

    /// Whether anything was touched or within reach at all. What was asked about and rests on no entry is no find.
    pub fn found(&self) -> bool {
        let of_record = |row: &&Row| row.stage > Stage::Artifact && !row.entries.is_empty();
        self.rows.iter().filter(of_record).any(|row| row.grade <= Grade::WithinReach)
    }
}
