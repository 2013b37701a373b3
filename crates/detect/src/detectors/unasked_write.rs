//! Files outside of the package are written unasked.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, doing, quoted, say, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "unasked-write",
    title: "files outside of the package are written unasked",
    severity: Severity::Medium,
    confidence: Confidence::Medium,
    doc: "\
Something is written to the home folder, the desktop or the system while the package is installed or imported.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
import os
with open(os.path.expanduser('~/Desktop/note.txt'), 'w') as out:
    out.write('x')
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
with open('demo/_version.py', 'w') as out:
    out.write('x = 1')
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::WriteFile).filter(|behaviour| unasked(behaviour.context)) {
        let path = behaviour.effect.detail.as_deref().unwrap_or_default();
        let lower = path.to_ascii_lowercase();
        let home = ["~/", "c:/", "c:\\", "/etc/", "/usr/", "/home/", "/root/", "/bin/", "/opt/"]
            .iter()
            .any(|start| lower.starts_with(start));
        let shown = ["/desktop", "\\desktop", "appdata", "startup"].iter().any(|part| lower.contains(part));
        // Caches and the package's own settings go there.
        let own = lower.starts_with("~/.cache/") && !shown;
        if !home && !shown || own {
            continue;
        }
        let install = behaviour.context == FindingContext::Install;
        let weight = match (install, shown) {
            (true, true) => (Severity::High, Confidence::High),
            (true, false) => (Severity::High, Confidence::Medium),
            (false, _) => (Severity::Medium, Confidence::Medium),
        };
        say(
            findings,
            &META,
            behaviour,
            weight,
            format!("a file outside of the package is written {}: {}", when(behaviour.context), quoted(behaviour)),
        );
    }
}
