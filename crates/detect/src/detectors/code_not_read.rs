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
    severity: Severity::Low,
    confidence: Confidence::Medium,
    doc: "\
A budget ended before the file did: it is nested, built or long beyond what is followed. What was seen until then is judged; that something was not is
said here, because obfuscated code likes to be too much.

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
        let Fidelity::Partial(why) = &view.fidelity else { continue };
        let context =
            reached.iter().flatten().copied().min_by_key(|context| rank(*context)).unwrap_or(FindingContext::Call);
        let severity = if context == FindingContext::Install { Severity::Medium } else { Severity::Low };
        findings
            .report(&META, format!("a part of the code was not followed: {why}"))
            .at(&view.path)
            .context(context)
            .severity(severity)
            .add();
    }
}
