//! The one way in: an archive and its name, out comes the report.

use crate::archive::Archive;
use crate::clones;
use crate::code::Code;
use crate::detector::{DETECTORS, RULESET};
use crate::detectors::place;
use crate::filename;
use crate::findings::Findings;
use crate::likeness::{self, Likeness};
use crate::limits::Limits;
use crate::metadata;
use crate::profile;
use crate::read::{ReadAt, Window};
use crate::report::{ArchiveKind, Content, CoreMetadata, Member, Report};
use crate::structure::Flaw;
use crate::unpack::{Collector, tar, zip};

/// Reads the archive strictly and runs every detector over it.
///
/// `file_name` decides what kind of archive it must be and which project and version it must hold. Never panics on any
/// input; memory and time are bounded by `limits` and linear in what is read. The same bytes and name give the same report.
pub fn inspect(archive: &dyn ReadAt, file_name: &str, limits: &Limits) -> Report {
    inspect_as(archive, filename::kind(file_name), file_name, limits)
}

/// The same, where the caller knows the kind: a `.tgz` is a source distribution to one registry and an npm tarball to another.
pub fn inspect_as(archive: &dyn ReadAt, kind: ArchiveKind, file_name: &str, limits: &Limits) -> Report {
    let mut findings = Findings::new();
    let archive = read(archive, kind, file_name, limits, &mut findings);
    for detector in DETECTORS {
        detector.inspect(&archive, &mut findings);
    }
    report(&archive, findings)
}

/// The code alone, for measuring and for whoever writes a detector.
#[doc(hidden)]
pub fn code_of(archive: &dyn ReadAt, file_name: &str, limits: &Limits) -> Code {
    read(archive, filename::kind(file_name), file_name, limits, &mut Findings::new()).code
}

/// Every shingle of an archive's code, ascending, each once: for making the index of known campaigns.
pub fn shingles(archive: &dyn ReadAt, file_name: &str, limits: &Limits) -> Vec<u32> {
    let mut findings = Findings::new();
    let archive = read_keeping(archive, filename::kind(file_name), file_name, limits, &mut findings, true);
    let mut all = Vec::new();
    for content in likeness::code(&archive) {
        clones::each(content, |hash| all.push(hash));
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn read(archive: &dyn ReadAt, kind: ArchiveKind, file_name: &str, limits: &Limits, findings: &mut Findings) -> Archive {
    read_keeping(archive, kind, file_name, limits, findings, false)
}

fn read_keeping(
    archive: &dyn ReadAt,
    kind: ArchiveKind,
    file_name: &str,
    limits: &Limits,
    findings: &mut Findings,
    keep_code: bool,
) -> Archive {
    let mut collector = Collector::new(kind, limits, findings, archive.len());
    collector.keep_code = keep_code;
    match kind {
        ArchiveKind::Wheel | ArchiveKind::SdistZip | ArchiveKind::Egg => {
            zip::read(Window::new(archive), &mut collector)
        }
        ArchiveKind::SdistTarGz | ArchiveKind::Npm | ArchiveKind::Crate => {
            tar::read_gz(Window::new(archive), &mut collector)
        }
        ArchiveKind::Tree => tar::read_plain(Window::new(archive), &mut collector),
        ArchiveKind::Other => {
            collector.readable = false;
            collector.flaw(Flaw::Unreadable, None, "there is no reader for a file with this name");
        }
    }
    let (entries, readable, code) = (collector.entries, collector.readable, collector.code);
    let file_name = filename::parse(file_name, kind);
    let mut archive =
        Archive { kind, file_name, entries, readable, code: Code::default(), likeness: Likeness::default() };
    (archive.code, archive.likeness) = code.follow(&archive);
    archive
}

fn report(archive: &Archive, findings: Findings) -> Report {
    let members: Vec<Member> = archive
        .files()
        .filter_map(|entry| Some(Member { path: entry.path.clone(), size: entry.size, sha256: entry.sha256? }))
        .collect();
    Report {
        ruleset: RULESET.to_owned(),
        kind: archive.kind,
        readable: archive.readable,
        findings: findings.finish(),
        profile: profile::of(archive),
        metadata: core_metadata(archive),
        sketch: archive.likeness.sketch.clone(),
        member_count: archive.entries.len() as u64,
        unpacked_size: archive.files().map(|entry| entry.size).sum(),
        members,
    }
}

fn core_metadata(archive: &Archive) -> Option<CoreMetadata> {
    let entry = place::core_metadata(archive)?;
    let content = entry.content.as_ref()?;
    Some(CoreMetadata {
        content: Content(content.clone()),
        sha256: entry.sha256?,
        name: metadata::value(content, "Name"),
        version: metadata::value(content, "Version"),
        requires_python: metadata::value(content, "Requires-Python"),
    })
}
