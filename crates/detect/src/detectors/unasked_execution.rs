//! Text is run as code unasked.

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, doing, say, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "unasked-execution",
    title: "text is run as code unasked",
    severity: Severity::Medium,
    confidence: Confidence::Medium,
    doc: "\
Text whose origin is not the package itself is run as code at install, at start-up or on import. The idiom that reads the version from a file of the
package is not meant.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
import sys
exec(sys.stdin.read())
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
from setuptools import setup
exec(open('demo/version.py').read())
setup(name='demo')
--- demo-1.0/demo/version.py
__version__ = '1.0'
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::Execute).filter(|behaviour| unasked(behaviour.context)) {
        let from = behaviour.effect.from;
        if from.any(Sources::OWN_FILE) || (from.any(Sources::LITERAL) && !from.any(Sources::UNKNOWN)) {
            continue;
        }
        say(
            findings,
            &META,
            behaviour,
            (Severity::Medium, Confidence::Low),
            format!("text is run as code {}", when(behaviour.context)),
        );
    }
}
