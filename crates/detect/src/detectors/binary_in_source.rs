//! Machine code in a source distribution.

use bulkhead_core::{Confidence, Severity};

use super::code::Rule;
use crate::archive::Archive;
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "binary-in-source",
    title: "machine code in a source distribution",
    severity: Severity::Medium,
    confidence: Confidence::High,
    doc: "\
A source distribution holds libraries or programs that are already built. A source distribution is there to be built from source; what is in such a file
cannot be read.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
from setuptools import setup
setup(name='demo')
--- demo-1.0/demo/__init__.py
from .core import start
start()
--- demo-1.0/demo/core.so
nothing
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
from .core import start
--- demo/core.so
nothing
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    if !archive.kind.is_sdist() {
        return;
    }
    let ends = |path: &str, ends: &[&str]| {
        let lower = path.to_ascii_lowercase();
        ends.iter().any(|end| lower.ends_with(end))
    };
    let sources =
        [".c", ".cc", ".cpp", ".cxx", ".pyx", ".rs", ".f", ".f90", ".cu", ".go", ".m", ".s", ".asm", ".java", ".cs"];
    let source = archive.files().any(|entry| ends(&entry.path, &sources));
    let aside = |path: &str| path.contains("/test") || path.contains("/doc") || path.contains("/example");
    for entry in archive
        .files()
        .filter(|entry| ends(&entry.path, &[".so", ".pyd", ".dylib", ".dll", ".exe", ".scr"]) && !aside(&entry.path))
    {
        // Launchers for Windows come with every installer of scripts.
        let launcher = ends(&entry.path, &[".exe"]);
        let severity = if source || launcher { Severity::Low } else { Severity::Critical };
        findings
            .report(
                &META,
                format!(
                    "`{}` is machine code in a source distribution{}",
                    entry.path,
                    if source { "" } else { " without its source" }
                ),
            )
            .at(&entry.path)
            .severity(severity)
            .confidence(Confidence::Medium)
            .add();
    }
}
