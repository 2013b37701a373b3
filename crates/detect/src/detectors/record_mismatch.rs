//! A wheel's RECORD against its content.

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_core::{Confidence, Severity};

use super::place;
use crate::archive::{Archive, Entry};
use crate::csv;
use crate::detector::{Detector, Meta, Want};
use crate::findings::Findings;
use crate::report::ArchiveKind;
use crate::unpack::path;

const META: Meta = Meta {
    id: "record-mismatch",
    title: "RECORD and content differ",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
A wheel lists every file with its SHA-256 in `RECORD`. A wrong hash means that a file was changed after the wheel was
built: critical. A file that is not listed was added later, or by a broken tool: high. So is a wheel without RECORD. Sizes
that do not fit, missing hashes and listed files that are absent occur in honest wheels: low. A hash by another algorithm
cannot be checked here: medium.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
changed = True
--- demo-1.0.dist-info/RECORD
demo/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0
demo-1.0.dist-info/METADATA,,
demo-1.0.dist-info/WHEEL,,
demo-1.0.dist-info/RECORD,,
```

The recipe's RECORD is written by the test when none is given:

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
changed = False
```

What to do: refuse the release. A right RECORD proves nothing: the litellm malware was listed with the right hash.
",
};

/// See its `META`.
pub(crate) struct RecordMismatch;

impl Detector for RecordMismatch {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, kind: ArchiveKind, path: &str) -> Want {
        if kind == ArchiveKind::Wheel && is_record(path) { Want::All } else { Want::Nothing }
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        if archive.kind != ArchiveKind::Wheel {
            return;
        }
        let record = place::dist_info(archive).map(|directory| format!("{directory}/RECORD"));
        let Some(record) = record.and_then(|record| archive.file(&record)) else {
            // Of an archive that could not be read, not even this is known.
            if archive.readable {
                findings.report(&META, "the wheel has no RECORD").severity(Severity::High).add();
            }
            return;
        };
        let Some(content) = &record.content else { return };
        let listed = listed(&record.path, content, archive.entries.len(), findings);
        compare(archive, record, &listed, findings);
    }
}

struct Row {
    line: u32,
    hash: String,
    size: String,
}

/// The rows by path; two different rows for one path are a finding.
fn listed(record: &str, content: &[u8], members: usize, findings: &mut Findings) -> BTreeMap<String, Row> {
    let mut listed: BTreeMap<String, Row> = BTreeMap::new();
    // Honest wheels list what they hold; a RECORD of millions of lines only costs memory.
    let most = 2 * members + 1000;
    let rows = csv::rows(content, most);
    if rows.len() == most {
        let title = format!("RECORD has at least {most} lines, for {members} members");
        findings.report(&META, title).at(record).severity(Severity::High).add();
    }
    for row in rows {
        let mut fields = row.fields.into_iter();
        let path = path::normal(&fields.next().unwrap_or_default());
        let row =
            Row { line: row.line, hash: fields.next().unwrap_or_default(), size: fields.next().unwrap_or_default() };
        if let Some(first) = listed.get(&path) {
            let severity = if first.hash == row.hash { Severity::Low } else { Severity::High };
            findings
                .report(&META, format!("RECORD lists `{path}` twice"))
                .at(record)
                .line(row.line)
                .severity(severity)
                .add();
        }
        listed.insert(path, row);
    }
    listed
}

fn compare(archive: &Archive, record: &Entry, listed: &BTreeMap<String, Row>, findings: &mut Findings) {
    let present: HashSet<String> = archive.entries.iter().map(|entry| path::normal(&entry.path)).collect();
    for entry in archive.files() {
        let normal = path::normal(&entry.path);
        let exempt = is_record(&normal) || is_record(normal.trim_end_matches(".jws").trim_end_matches(".p7s"));
        match listed.get(&normal) {
            Some(row) => check(entry, record, row, exempt, findings),
            None if exempt => {}
            None => findings
                .report(&META, format!("`{}` is not listed in RECORD", entry.path))
                .at(&entry.path)
                .severity(Severity::High)
                .add(),
        }
    }
    // Only a fully read archive can be said to lack something.
    for (path, row) in listed.iter().filter(|_| archive.readable) {
        if !present.contains(path) {
            findings
                .report(&META, format!("RECORD lists `{path}`, which is not there"))
                .at(&record.path)
                .line(row.line)
                .severity(Severity::Low)
                .add();
        }
    }
}

fn check(entry: &Entry, record: &Entry, row: &Row, exempt: bool, findings: &mut Findings) {
    let mut say = |title: String, severity| {
        findings.report(&META, title).at(&record.path).line(row.line).severity(severity).add();
    };
    let path = &entry.path;
    if row.hash.is_empty() {
        if !exempt {
            say(format!("RECORD has no hash for `{path}`"), Severity::Low);
        }
    } else if let Some(("sha256", digest)) = row.hash.split_once('=') {
        let stated = URL_SAFE_NO_PAD.decode(digest.trim_end_matches('='));
        // A member that could not be read has its own finding.
        if let Some(actual) = entry.sha256
            && !stated.is_ok_and(|stated| stated == actual.as_bytes())
        {
            say(format!("`{path}` does not have the hash that RECORD states"), Severity::Critical);
        }
    } else {
        say(format!("RECORD has a hash for `{path}` by an algorithm that is not checked"), Severity::Medium);
    }
    if !row.size.is_empty() && row.size.parse() != Ok(entry.size) && entry.sha256.is_some() {
        say(format!("`{path}` does not have the size that RECORD states"), Severity::Low);
    }
}

/// `{something}.dist-info/RECORD` at the top.
fn is_record(path: &str) -> bool {
    path::normal(path)
        .split_once('/')
        .is_some_and(|(directory, file)| directory.to_ascii_lowercase().ends_with(".dist-info") && file == "RECORD")
}
