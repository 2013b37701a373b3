//! Tests of the crate as a whole: archives made here byte by byte, the fixtures, and the fuzz corpus.

mod arriving;
mod corpus;
mod fixtures;
mod hostile_code;
mod hostile_tar;
mod hostile_zip;
mod kinds;
mod limits;
mod make_tar;
mod make_zip;
mod memory;
mod mutation;
mod pairs;
mod profile;
mod recipe;
mod report;
mod roundtrip;
mod ruleset;
mod styled;
mod weights;

use bulkhead_core::{Finding, Severity};

use crate::{ArchiveKind, Limits, Report, inspect, inspect_as};

const WHEEL: &str = "demo-1.0-py3-none-any.whl";
const SDIST: &str = "demo-1.0.tar.gz";

fn look(bytes: &[u8], name: &str) -> Report {
    inspect(&bytes, name, &Limits::default())
}

/// As the command line would: a `.tgz` is npm's.
fn look_local(bytes: &[u8], name: &str) -> Report {
    inspect_as(&bytes, ArchiveKind::of_local(name), name, &Limits::default())
}

fn found<'a>(report: &'a Report, id: &str) -> Option<&'a Finding> {
    report.findings.iter().find(|finding| finding.detector == id)
}

/// The report must hold that finding, at least that bad; says what it holds instead.
#[track_caller]
fn must_find(report: &Report, id: &str, severity: Severity, what: &str) {
    let hit = found(report, id).is_some_and(|finding| finding.severity >= severity);
    assert!(hit, "{what}: wanted {id} at {}, got {:#?}", severity.as_str(), report.findings);
}

/// What is found of an archive's form: archives made for that hold nothing, which is a finding of its own.
fn form(report: &Report) -> Vec<&Finding> {
    report.findings.iter().filter(|finding| finding.detector != "empty-release").collect()
}
