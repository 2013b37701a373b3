//! Code that does not parse.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::Rule;
use crate::archive::Archive;
use crate::behaviour::rank;
use crate::detector::Meta;
use crate::findings::Findings;
use crate::lang::Fidelity;
use crate::lang::python::{PYTHON_2, ZIPPED};

const META: Meta = Meta {
    id: "code-not-parsed",
    title: "code that does not parse",
    severity: Severity::Low,
    confidence: Confidence::Medium,
    doc: "\
The file does not parse as its language, or is encoded so that it reads differently to people. It was read as far as its pieces make sense. Python 2 is
understood and not meant here.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import os
def broken(:
    pass
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
print 'an old file'
```

What to do: see whether any interpreter would run it.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for (view, reached) in archive.code.views.iter().zip(&archive.code.reached) {
        let Fidelity::Tokens(why) = &view.fidelity else { continue };
        if why == PYTHON_2 {
            continue;
        }
        let context =
            reached.iter().flatten().copied().min_by_key(|context| rank(*context)).unwrap_or(FindingContext::Call);
        let coding = why.contains("coding line") || why == ZIPPED;
        let severity = if coding { Severity::High } else { Severity::Low };
        findings
            .report(&META, format!("the code does not parse: {why}"))
            .at(&view.path)
            .context(context)
            .severity(severity)
            .add();
    }
}
