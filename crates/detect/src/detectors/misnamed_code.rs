//! Code that is not what its name says.

use bulkhead_core::{Confidence, FindingContext, Severity};

use crate::archive::Archive;
use crate::detector::{Detector, Meta, Want};
use crate::findings::Findings;
use crate::report::ArchiveKind;

const META: Meta = Meta {
    id: "misnamed-code",
    title: "code that is not what its name says",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
A file has the name of compiled Python and is none, so Python never loads it: something else does, and nobody looks into such a file. Or a wheel says that
it runs anywhere, and all that it brings is machine code for one platform, which cannot be read.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
VALUE = 1
--- demo/__pycache__/core.pyc
nothing that Python compiled
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
VALUE = 1
--- demo/core.txt
nothing that Python compiled
```

What to do: refuse the release; if it is your own, leave such files out.
",
};

/// See its `META`.
pub(crate) struct MisnamedCode;

impl Detector for MisnamedCode {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, kind: ArchiveKind, path: &str) -> Want {
        if kind == ArchiveKind::Wheel && path.ends_with(".dist-info/WHEEL") {
            Want::UpTo(64 << 10)
        } else {
            Want::Nothing
        }
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        check(archive, findings);
    }
}

/// Lines of Python that only load what is beside them.
const LOADER: u32 = 30;

fn check(archive: &Archive, findings: &mut Findings) {
    let compiled = archive.files().filter(|entry| entry.path.ends_with(".pyc") && entry.size > 0);
    // The four bytes that begin every compiled file end in a line end, so that copying as text breaks it.
    for entry in compiled.filter(|entry| entry.head().get(2..4) != Some(b"\r\n")) {
        findings
            .report(&META, "a file has the name of compiled Python, and is none")
            .at(&entry.path)
            .context(FindingContext::Import)
            .add();
    }
    let lines: u32 = archive.code.views.iter().map(|view| view.shape.lines).fold(0, u32::saturating_add);
    if archive.kind != ArchiveKind::Wheel || lines > LOADER || !anywhere(archive) {
        return;
    }
    for entry in archive.files().filter(|entry| is_of_one_platform(&entry.path)) {
        findings
            .report(&META, "a wheel that says it runs anywhere brings nothing but machine code for one platform")
            .at(&entry.path)
            .context(FindingContext::Import)
            .severity(Severity::Critical)
            .confidence(Confidence::Medium)
            .add();
    }
}

/// Whether the wheel's own tags say that it runs anywhere.
fn anywhere(archive: &Archive) -> bool {
    archive.files().any(|entry| {
        entry.path.ends_with(".dist-info/WHEEL")
            && entry.content.as_deref().is_some_and(|content| {
                String::from_utf8_lossy(content)
                    .lines()
                    .any(|line| line.strip_prefix("Tag:").is_some_and(|tag| tag.trim().ends_with("-none-any")))
            })
    })
}

/// `x.cpython-310-x86_64-linux-gnu.so`, `x.cp310-win_amd64.pyd`.
fn is_of_one_platform(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    (file.ends_with(".so") || file.ends_with(".pyd")) && (file.contains(".cpython-") || file.contains(".cp3"))
}
