//! The successor of executable `.pth` lines (PEP 829, Python 3.15).

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::place;
use crate::archive::Archive;
use crate::detector::{Detector, Meta, Want};
use crate::findings::Findings;
use crate::report::ArchiveKind;

const META: Meta = Meta {
    id: "startup-entry-point",
    title: "a .start file whose functions Python calls at every start",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
From Python 3.15 on, `site.py` also reads `.start` files in site-packages and **calls** the function that each line names
(PEP 829). It is the successor of executable `.pth` lines and gives a package the same power: its code runs at every start
of Python, whether or not anything imports it.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo.start
demo.hooks:install
```

A `.start` file with comments only does nothing, and one below a package is never read:

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo.start
# nothing yet
--- demo/data.start
demo.hooks:install
```

What to do: look at what the named function does before you allow the file.
",
};

/// See its `META`.
pub(crate) struct StartupEntryPoint;

impl Detector for StartupEntryPoint {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, kind: ArchiveKind, path: &str) -> Want {
        if !kind.is_sdist() && is_start(path) { Want::All } else { Want::Nothing }
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        // In a source distribution, only its build can say where such a file goes.
        if archive.kind.is_sdist() {
            return;
        }
        for entry in archive.files().filter(|entry| is_start(&entry.path)) {
            let content = entry.content.as_deref().unwrap_or_default();
            let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
            let called = content
                .split(|byte| matches!(byte, b'\n' | b'\r'))
                .map(<[u8]>::trim_ascii)
                .find(|line| !line.is_empty() && !line.starts_with(b"#"));
            if let Some(line) = called {
                findings
                    .report(&META, format!("`{}` names code that Python 3.15 runs at every start", entry.path))
                    .at(&entry.path)
                    .excerpt(line)
                    .context(FindingContext::Startup)
                    .add();
            }
        }
    }
}

fn is_start(path: &str) -> bool {
    place::site_file(path)
        .is_some_and(|name| name.trim_end_matches(['.', ' ']).to_ascii_lowercase().ends_with(".start"))
}
