//! Code behind many blanks.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, weigh};
use crate::archive::Archive;
use crate::behaviour::rank;
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "pushed-right",
    title: "code behind many blanks",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
Code stands behind more than 150 blanks, outside of the window in which people read. There is no other reason to put it there.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
from setuptools import setup                                                                                                                                                                                                        ;import os; os.getpid()
setup(name='demo')
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
from setuptools import setup
setup(
    name='demo',
)
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for (view, reached) in archive.code.views.iter().zip(&archive.code.reached) {
        let Some(line) = view.shape.pushed_right else { continue };
        let context =
            reached.iter().flatten().copied().min_by_key(|context| rank(*context)).unwrap_or(FindingContext::Call);
        let weight = weigh(context, Severity::High, Confidence::Medium);
        findings
            .report(&META, "code stands behind more than 150 blanks, where nobody sees it")
            .at(&view.path)
            .line(line)
            .context(context)
            .severity(weight.0)
            .confidence(weight.1)
            .add();
    }
}
