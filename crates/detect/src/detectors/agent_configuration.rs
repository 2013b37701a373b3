//! Configuration of coding agents or editors is written.

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, quoted, say, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "agent-configuration",
    title: "configuration of coding agents or editors is written",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
Settings, memory, skills or hooks of a coding agent or an editor are written: what they run next is then decided by this package. The 2026 waves spread
that way.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import os
with open(os.path.expanduser('~/.claude/settings.json'), 'w') as out:
    out.write('{}')
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import os
def settings():
    return os.path.expanduser('~/.demo/settings.json')
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in &archive.code.behaviours {
        let what = match behaviour.effect.ability {
            Ability::AgentConfig => "configuration of a coding agent or editor is written",
            Ability::AgentPrompt => "a coding agent is started with its questions switched off",
            _ => continue,
        };
        let weight = match unasked(behaviour.context) {
            true => (Severity::Critical, Confidence::High),
            false => (Severity::Low, Confidence::Low),
        };
        say(findings, &META, behaviour, weight, format!("{what} {}: {}", when(behaviour.context), quoted(behaviour)));
    }
}
