//! Two members for one place.

use std::collections::HashMap;

use bulkhead_core::{Confidence, Severity};

use crate::archive::{Archive, Entry, EntryKind};
use crate::detector::{Detector, Meta};
use crate::findings::Findings;
use crate::unpack::path;

const META: Meta = Meta {
    id: "archive-duplicate-member",
    title: "two members for one place",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
Two members have the same path, or one is a file where the other needs a directory. Which one is left after unpacking
depends on the reader, so a scanner can be shown one and the installer the other. Members that differ only in case,
trailing dots or composed letters are one file on some systems: medium in a wheel, low in a source distribution. Repeated
directories are harmless, and repeated files with the same content are low.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
harmless = True
--- demo/__init__.py
harmless = False
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
harmless = True
--- demo/other.py
```

What to do: refuse the release.
",
};

/// See its `META`.
pub(crate) struct ArchiveDuplicate;

impl Detector for ArchiveDuplicate {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        let normal: Vec<String> = archive.entries.iter().map(|entry| path::normal(&entry.path)).collect();
        let mut by_path: HashMap<&str, &Entry> = HashMap::with_capacity(normal.len());
        for (entry, normal) in archive.entries.iter().zip(&normal) {
            if let Some(first) = by_path.insert(normal, entry) {
                same_path(first, entry, findings);
            }
        }
        below_a_file(archive, &normal, &by_path, findings);
        let mut by_key: HashMap<String, &str> = HashMap::new();
        for (entry, normal) in archive.entries.iter().zip(&normal) {
            let first = *by_key.entry(path::collision_key(normal)).or_insert(normal);
            // Directories that differ in case merge; what collides inside them is reported itself.
            if first != normal && entry.kind != EntryKind::Directory {
                let severity = if archive.kind.is_sdist() { Severity::Low } else { Severity::Medium };
                findings
                    .report(&META, format!("`{first}` and `{normal}` are one file on some systems"))
                    .at(&entry.path)
                    .severity(severity)
                    .add();
            }
        }
    }
}

fn same_path(first: &Entry, second: &Entry, findings: &mut Findings) {
    if first.kind == EntryKind::Directory && second.kind == EntryKind::Directory {
        return;
    }
    let same = first.kind == second.kind
        && first.sha256 == second.sha256
        && (first.sha256.is_some() || first.kind != EntryKind::File);
    let draft = findings.report(&META, format!("`{}` is there more than once", second.path)).at(&second.path);
    if same { draft.severity(Severity::Low) } else { draft }.add();
}

/// A file at `a` and a member at `a/b`. A link at `a` is another detector's business.
fn below_a_file(archive: &Archive, normal: &[String], by_path: &HashMap<&str, &Entry>, findings: &mut Findings) {
    let mut checked: HashMap<&str, bool> = HashMap::new();
    for (entry, normal) in archive.entries.iter().zip(normal) {
        let mut parent = normal.as_str();
        while let Some((above, _)) = parent.rsplit_once('/') {
            parent = above;
            if checked.contains_key(parent) {
                break;
            }
            let is_file = by_path.get(parent).is_some_and(|entry| entry.kind == EntryKind::File);
            checked.insert(parent, is_file);
            if is_file {
                findings.report(&META, format!("`{parent}` is both a file and a directory")).at(&entry.path).add();
            }
        }
    }
}
