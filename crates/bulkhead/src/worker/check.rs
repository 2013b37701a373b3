//! A report is a stranger's until it has passed here: a worker that an archive took over can say anything.
//!
//! What it *claims* cannot be checked, since only the worker reads the bytes. What can be held is the shape: that the report is for
//! this job, this kind of file and these rules; that counts agree with each other; that texts are
//! short and harmless to a terminal; and that the metadata, which is served on to clients, has the digest it says.

use aws_lc_rs::digest;
use bulkhead_core::Finding;
use bulkhead_detect::{ArchiveKind, CoreMetadata, Limits, RULESET, Report};

use super::end::quote;
use super::wire::Answer;

/// Findings in one report.
const FINDINGS: usize = 10_000;
/// Bytes of a sentence or an excerpt.
const TEXT: usize = 4 << 10;
/// Bytes of a path: a zip's longest name, every byte of it escaped.
const PATH: usize = 4 * 65_536;

/// What the gate asked, to hold the answer against.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) id: u64,
    pub(super) kind: ArchiveKind,
    pub(super) limits: Limits,
}

/// Parses and checks one answer. The error says what is wrong with it, as a clause.
pub(super) fn report(answer: &[u8], asked: &Asked) -> Result<Report, String> {
    let Answer { id, report } =
        serde_json::from_slice(answer).map_err(|why| format!("is not a report: {}", quote(&why.to_string())))?;
    let must = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    must(id == asked.id, "is for another job")?;
    must(report.ruleset == RULESET, "was made by other rules")?;
    must(report.kind == asked.kind, "is for another kind of file")?;
    must(report.readable || !report.findings.is_empty(), "gives no reason for being unreadable")?;
    must(report.findings.len() <= FINDINGS, "has too many findings")?;
    must(report.members.len() as u64 <= asked.limits.members.into(), "has more files than allowed")?;
    must(report.members.len() as u64 <= report.member_count, "has more files than members")?;
    must(i64::try_from(report.member_count.max(report.unpacked_size)).is_ok(), "counts beyond reason")?;
    must(report.sketch.is_sound(), "has a sketch that is none")?;
    must(report.findings.iter().all(finding), "has a finding that is too long or has control characters")?;
    must(
        report.members.iter().all(|member| text(&member.path, PATH)),
        "has a path that is too long or has control characters",
    )?;
    must(report.profile.flaw().is_none(), report.profile.flaw().unwrap_or_default())?;
    must(
        report.metadata.as_ref().is_none_or(|found| metadata(found, &asked.limits)),
        "has metadata that does not fit its digest or its limits",
    )?;
    Ok(report)
}

fn finding(found: &Finding) -> bool {
    text(&found.detector, 64)
        && text(&found.title, TEXT)
        && found.excerpt.as_deref().is_none_or(|excerpt| text(excerpt, TEXT))
        && found.location.as_ref().is_none_or(|location| text(&location.path, PATH))
}

fn metadata(found: &CoreMetadata, limits: &Limits) -> bool {
    let fields = [&found.name, &found.version, &found.requires_python];
    let size = found.content.0.len() as u64;
    size <= limits.kept_member_bytes
        && fields.into_iter().flatten().all(|field| field.len() <= TEXT)
        && digest::digest(&digest::SHA256, &found.content.0).as_ref() == found.sha256.as_bytes()
}

fn text(text: &str, most: usize) -> bool {
    text.len() <= most && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
