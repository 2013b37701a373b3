//! What the worker found in a file.

use std::collections::BTreeMap;

use bulkhead_core::{Code, Finding, Problem, Purl, Sha256};
use bulkhead_detect::delta::Delta;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A report of the worker that reads archives, on one file under one ruleset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The file.
    pub digest: Sha256,
    /// The digest or name of the set of detectors and their versions: another set, another report.
    pub ruleset: String,
    /// When it was made.
    pub judged_at: Timestamp,
    /// Whether every member of the archive could be read.
    pub readable: bool,
    /// What the detectors saw.
    pub findings: Vec<Finding>,
    /// What the code can do and when, `import:spawn` and the like.
    pub behaviours: Vec<String>,
    /// The whole report, JSON text.
    pub json: String,
}

impl Report {
    /// What is kept of a worker's report.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which is a bug.
    pub fn new(digest: Sha256, report: &bulkhead_detect::Report, now: Timestamp) -> Result<Self, Problem> {
        let json = serde_json::to_string(report);
        let json = json
            .map_err(|error| Problem::new(Code::Bug, format!("the report on {digest} cannot be written: {error}")))?;
        Ok(Self {
            digest,
            ruleset: report.ruleset.clone(),
            judged_at: now,
            readable: report.readable,
            findings: report.findings.clone(),
            behaviours: report.profile.words(),
            json,
        })
    }
}

/// A file whose content was read, and the release that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The release.
    pub purl: Purl,
    /// The file's name.
    pub file: String,
    /// The file.
    pub digest: Sha256,
    /// When it was read first.
    pub at: Timestamp,
}

/// What is new in a file against one of the release before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDelta {
    /// The file that it was compared with.
    pub before: Sha256,
    /// The delta.
    pub delta: Delta,
    /// When its new dependencies came to be, as far as somebody asked the registry.
    pub born: BTreeMap<String, Born>,
}

/// When a project had its first release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Born {
    /// Then.
    At(Timestamp),
    /// The registry has the project and tells no time, or does not have the project.
    Untold,
    /// The registry could not be asked; why.
    Unasked(String),
}

/// The part of a report that a listing needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Whether every member of the archive could be read.
    pub readable: bool,
    /// What the detectors saw.
    pub findings: Vec<Finding>,
    /// What the code can do and when.
    pub behaviours: Vec<String>,
}
