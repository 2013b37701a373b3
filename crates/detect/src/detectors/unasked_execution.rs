//! Text is run as code unasked.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, doing, quoted, say, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Behaviour, Sources, unasked};
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
        if in_memory(archive, behaviour) {
            say(
                findings,
                &META,
                behaviour,
                (Severity::High, Confidence::High),
                format!("machine code is put into memory and run {}", when(behaviour.context)),
            );
            continue;
        }
        if from.any(Sources::OWN_FILE) && behaviour.effect.detail.as_deref().is_some_and(no_code) {
            let import = behaviour.context == FindingContext::Import;
            let confidence = if import { Confidence::High } else { Confidence::Medium };
            say(
                findings,
                &META,
                behaviour,
                (Severity::High, confidence),
                format!(
                    "a file that does not look like code is run as code {}: {}",
                    when(behaviour.context),
                    quoted(behaviour)
                ),
            );
            continue;
        }
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

/// Memory is asked of the system and a thread is started in it, without a library.
fn in_memory(archive: &Archive, behaviour: &Behaviour) -> bool {
    let calls = |name: &str| {
        archive.code.behaviours.iter().any(|other| {
            other.path == behaviour.path
                && other.effect.ability == Ability::LoadNative
                && unasked(other.context)
                && other.effect.excerpt.contains(name)
        })
    };
    behaviour.effect.excerpt.contains("Thread") && calls("VirtualAlloc")
}

/// Whether a file's name says that there is something else in it than code.
fn no_code(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [
        ".txt", ".dat", ".bin", ".png", ".jpg", ".jpeg", ".gif", ".ico", ".wav", ".mp3", ".ttf", ".md", ".log", ".csv",
        ".pdf", ".json", ".svg", ".xml", ".html", ".css", ".yml", ".yaml", ".ini", ".zip", ".gz", ".so", ".dll", ".db",
        ".sqlite", ".webp", ".woff", ".woff2", ".mp4", ".lock",
    ]
    .iter()
    .any(|end| lower.ends_with(end))
}
