//! The code arranges to be started again.

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, doing, quoted, say, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Behaviour, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "persistence",
    title: "the code arranges to be started again",
    severity: Severity::High,
    confidence: Confidence::Medium,
    doc: "\
Shell start-up files, services, launch agents, registry run keys, cron tables or `.pth` files are written, so that something starts again without the
package.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import os
with open(os.path.expanduser('~/.bashrc'), 'a') as rc:
    rc.write('echo demo')
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import os
def remember(path):
    with open(os.path.expanduser('~/.demo.json'), 'w') as out:
        out.write(path)
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::Persist) {
        let weight = match unasked(behaviour.context) {
            true if known(behaviour) => (Severity::High, Confidence::High),
            true => (Severity::High, Confidence::Medium),
            false => (Severity::Medium, Confidence::Low),
        };
        say(
            findings,
            &META,
            behaviour,
            weight,
            format!("something is arranged to start again {}: {}", when(behaviour.context), quoted(behaviour)),
        );
    }
}

/// Whether it is known where: a registry has other uses.
fn known(behaviour: &Behaviour) -> bool {
    behaviour
        .effect
        .detail
        .as_deref()
        .is_some_and(|detail| detail.chars().filter(|c| c.is_alphanumeric()).take(3).count() == 3)
}
