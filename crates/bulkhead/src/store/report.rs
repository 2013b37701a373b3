//! What the worker found in a file.

use bulkhead_core::{Finding, Sha256};
use jiff::Timestamp;

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
    /// The whole report, JSON text.
    pub json: String,
}

/// The part of a report that a listing needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Whether every member of the archive could be read.
    pub readable: bool,
    /// What the detectors saw.
    pub findings: Vec<Finding>,
}
