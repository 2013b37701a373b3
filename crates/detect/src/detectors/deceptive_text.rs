//! Text that reads differently than it runs.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::Rule;
use crate::archive::Archive;
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "deceptive-text",
    title: "text that reads differently than it runs",
    severity: Severity::Medium,
    confidence: Confidence::Medium,
    doc: "\
Characters that change the order in which text is shown, or letters of another script that look like Latin ones, make code read differently to people than
to the machine. So do names in styled letters, which Python takes for the plain ones: `ₑₓₑc` is `exec`.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
аccess = 1
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
NAME = 'Москва'
```

What to do: look at the line in an editor that shows such characters.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for view in &archive.code.views {
        if let Some(line) = view.shape.deceptive {
            findings
                .report(&META, "characters make this line read differently than it runs")
                .at(&view.path)
                .line(line)
                .context(FindingContext::Call)
                .add();
        }
    }
}
