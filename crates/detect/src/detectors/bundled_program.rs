//! A program that came along is started unasked.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, doing, quoted, say, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "bundled-program",
    title: "a program that came along is started unasked",
    severity: Severity::High,
    confidence: Confidence::Medium,
    doc: "\
A file of the package itself is started, or its native code is loaded by hand, without anybody calling it. What such a file does cannot be read.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import os, subprocess
subprocess.Popen([os.path.join(os.path.dirname(__file__), 'helper.bin')])
--- demo/helper.bin
nothing
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import os
DATA = os.path.join(os.path.dirname(__file__), 'data.json')
--- demo/data.json
{}
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::Spawn).filter(|behaviour| unasked(behaviour.context)) {
        let inside = behaviour
            .effect
            .detail
            .as_deref()
            .is_some_and(|detail| detail.contains("\u{fffc}/") || detail.contains("\u{fffc}\\"));
        if behaviour.effect.from.any(Sources::OWN_FILE) && inside {
            let weight = match behaviour.context {
                FindingContext::Install => (Severity::Medium, Confidence::Medium),
                _ => (Severity::High, Confidence::High),
            };
            say(
                findings,
                &META,
                behaviour,
                weight,
                format!("a file of the package is started {}: {}", when(behaviour.context), quoted(behaviour)),
            );
        }
    }
}
