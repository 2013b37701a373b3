//! A setup.py that is too large to be one.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::Rule;
use crate::archive::Archive;
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "large-setup",
    title: "a setup.py that is too large to be one",
    severity: Severity::Medium,
    confidence: Confidence::Medium,
    doc: "\
A `setup.py` is a few kilobytes. One of hundreds holds something else, and a very large one is meant to pass the size limits of scanners.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
from setuptools import setup
setup(name='demo')
#
%repeat 30000 # lines 
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
from setuptools import setup
setup(name='demo')
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for entry in archive.files().filter(|entry| archive.kind.is_sdist() && is_setup(&entry.path)) {
        if entry.size > 200_000 {
            let severity = if entry.size > 1_000_000 { Severity::High } else { Severity::Medium };
            findings
                .report(
                    &META,
                    format!("`{}` has {} kB; it installs a package and needs a few", entry.path, entry.size / 1_000),
                )
                .at(&entry.path)
                .context(FindingContext::Install)
                .severity(severity)
                .add();
        }
    }
}

fn is_setup(path: &str) -> bool {
    let path = path.trim_start_matches("./");
    path == "setup.py" || path.split_once('/').is_some_and(|(_, rest)| rest == "setup.py")
}
