//! Code that is there, runs, and is not read.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::Rule;
use crate::archive::Archive;
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "unread-code",
    title: "code that is there and is not read",
    severity: Severity::Low,
    confidence: Confidence::Medium,
    doc: "\
Byte code without its source is loaded by Python like a module, and an archive within the archive can be put on the path and imported. Neither is taken
apart here, so what it does is not judged; that it is there is said.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
from demo import core
--- demo/core.pyc
compiled, and nothing to read
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
from demo import core
--- demo/core.py
VALUE = 1
```

What to do: ask the publisher for the source; a release that hides it is a matter of trust.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

const ARCHIVES: &[&str] =
    &[".zip", ".egg", ".whl", ".pyz", ".jar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".7z", ".rar"];

fn check(archive: &Archive, findings: &mut Findings) {
    if !archive.kind.is_python() {
        return;
    }
    let paths: std::collections::BTreeSet<&str> = archive.files().map(|entry| entry.path.as_str()).collect();
    let compiled: Vec<&str> = archive
        .files()
        .filter(|entry| entry.size > 0 && !entry.path.contains("__pycache__/"))
        .filter_map(|entry| entry.path.strip_suffix(".pyc").map(|stem| (stem, entry.path.as_str())))
        .filter(|(stem, _)| !paths.contains(format!("{stem}.py").as_str()))
        .map(|(_, path)| path)
        .collect();
    if let Some(first) = compiled.first() {
        findings
            .report(
                &META,
                format!("{} of byte code without source, which Python loads like a module", files(compiled.len())),
            )
            .at(first)
            .context(FindingContext::Import)
            .severity(Severity::Medium)
            .add();
    }
    let lower = |path: &str| path.to_ascii_lowercase();
    let inside: Vec<&str> =
        paths.iter().copied().filter(|path| ARCHIVES.iter().any(|end| lower(path).ends_with(end))).collect();
    if let Some(first) = inside.first() {
        findings
            .report(&META, format!("{} within, archives themselves, not looked into", files(inside.len())))
            .at(first)
            .context(FindingContext::Archive)
            .add();
    }
}

fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}
