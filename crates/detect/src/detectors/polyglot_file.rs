//! Files that are two things at once.

use bulkhead_core::{Confidence, FindingContext, Severity};

use crate::archive::Archive;
use crate::detector::{Detector, Meta};
use crate::findings::Findings;

const META: Meta = Meta {
    id: "polyglot-file",
    title: "a source file is an archive as well",
    severity: Severity::High,
    confidence: Confidence::Medium,
    doc: "\
A zip is read from its end, a script from its beginning, so one file can be both: a scanner sees a script, an interpreter that is given
the same file runs what is in the archive.

```recipe bad
archive demo-1.0.0.tgz
expect high
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\" }
--- package/index.js
PK\u{3}\u{4} begins a zip, and this is no JavaScript
```

```recipe good
archive demo-1.0.0.tgz
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\" }
--- package/index.js
const MAGIC = 'PK';
```

What to do: Refuse the release, unless it is known for self-extracting files.
",
};

/// See its `META`.
pub(crate) struct PolyglotFile;

impl Detector for PolyglotFile {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        for entry in
            archive.files().filter(|entry| SOURCES.iter().any(|end| entry.path.to_ascii_lowercase().ends_with(end)))
        {
            let begins = [&b"PK\x03\x04"[..], b"\x1f\x8b\x08", b"7z\xbc\xaf", b"\x7fELF", b"MZ\x90"]
                .iter()
                .any(|magic| entry.head().starts_with(magic));
            let ends = entry.content.as_deref().is_some_and(ends_as_zip);
            if begins || ends {
                let what = if begins { "begins as an archive or a program" } else { "ends as a zip archive" };
                findings
                    .report(&META, format!("a source file {what}"))
                    .at(&entry.path)
                    .context(FindingContext::Archive)
                    .add();
            }
        }
    }
}

/// Names of files that interpreters read as text.
const SOURCES: &[&str] = &[".py", ".pth", ".js", ".mjs", ".cjs", ".ts", ".sh", ".ps1", ".rb", ".json"];

/// Whether an end record of a zip fits: it points at a directory that is there. The mark alone occurs in texts about zips.
fn ends_as_zip(bytes: &[u8]) -> bool {
    let from = bytes.len().saturating_sub(65_557);
    let tail = &bytes[from..];
    let Some(at) = tail.windows(4).rposition(|window| window == b"PK\x05\x06") else { return false };
    let Some(record) = tail.get(at..at + 22) else { return false };
    let size = u32::from_le_bytes([record[12], record[13], record[14], record[15]]) as usize;
    let start = (from + at).checked_sub(size);
    start.is_some_and(|start| size > 0 && bytes[start..].starts_with(b"PK\x01\x02"))
}

#[cfg(test)]
mod tests {
    use super::ends_as_zip;

    #[test]
    fn a_script_with_a_zip_at_its_end_is_told_from_a_text_about_one() {
        let mut both = b"print('x')\n".to_vec();
        both.extend(b"PK\x01\x02 a directory of one entry");
        let size = u32::try_from(both.len() - 11).unwrap();
        both.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
        both.extend(size.to_le_bytes());
        both.extend([0; 6]);
        assert!(ends_as_zip(&both));
        assert!(!ends_as_zip(b"if data.startswith(b'PK\x05\x06'): pass  # and more text here\n"));
        assert!(!ends_as_zip(b""));
    }
}
