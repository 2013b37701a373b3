//! Code of which a part was not followed.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::Rule;
use crate::archive::Archive;
use crate::behaviour::rank;
use crate::detector::Meta;
use crate::findings::Findings;
use crate::lang::Fidelity;

const META: Meta = Meta {
    id: "code-not-read",
    title: "code of which a part was not followed",
    severity: Severity::High,
    confidence: Confidence::Medium,
    doc: "\
A budget ended before the file did: it is nested, built or long beyond what is followed. What was seen until then is judged; that something was not is
said here, because obfuscated code likes to be too much. So is a file that is too large to be read at all: a bundle or generated bindings add to the
score, but what an installation runs (a lifecycle script of npm and what it loads, a `build.rs`) is refused when it cannot be read.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
x = \\
%repeat 300 (
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
x = ((1))
```

What to do: read the file.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for (view, reached) in archive.code.views.iter().zip(&archive.code.reached) {
        let context =
            reached.iter().flatten().copied().min_by_key(|context| rank(*context)).unwrap_or(FindingContext::Call);
        let install = context == FindingContext::Install;
        let (title, severity, confidence) = match &view.fidelity {
            Fidelity::Partial(why) => {
                let severity = if install { Severity::Medium } else { Severity::Low };
                (format!("a part of the code was not followed: {why}"), severity, Confidence::Medium)
            }
            // Bundles and generated bindings are that large; nothing that an installation has to run is.
            Fidelity::Unread(size) => {
                let (severity, confidence) =
                    if install { (Severity::High, Confidence::High) } else { (Severity::Low, Confidence::Medium) };
                (format!("code of {} kB is too large to be read", size / 1024), severity, confidence)
            }
            Fidelity::Parsed | Fidelity::Tokens(_) => continue,
        };
        findings.report(&META, title).at(&view.path).context(context).severity(severity).confidence(confidence).add();
    }
}
