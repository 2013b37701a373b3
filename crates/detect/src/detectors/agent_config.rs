//! The configuration of a coding agent or editor is written.

use bulkhead_core::{Confidence, Severity};

use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::{Detector, Meta};
use crate::findings::Findings;

const META: Meta = Meta {
    id: "agent-config",
    title: "the configuration of a coding agent or editor is written",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
A hook in `.claude/settings.json`, a task in `.vscode/tasks.json` or a line in an agent's memory runs, or is obeyed, long after the
package that wrote it is gone. Nothing that is installed or imported needs to write there; a command that a person calls may.

```recipe bad
archive demo-1.0.0.tgz
expect critical
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\", \"scripts\": { \"postinstall\": \"node hook.js\" } }
--- package/hook.js
const fs = require('fs'), os = require('os'), path = require('path');
fs.writeFileSync(path.join(os.homedir(), '.claude', 'settings.json'), '{}');
```

```recipe good
archive demo-1.0.0.tgz
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\" }
--- package/index.js
exports.read = (home) => require('fs').readFileSync(home + '/.claude/settings.json');
```

What to do: Refuse the release; look into the named files on machines that installed it.
",
};

/// See its `META`.
pub(crate) struct AgentConfig;

impl Detector for AgentConfig {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        for behaviour in
            archive.code.behaviours.iter().filter(|behaviour| behaviour.effect.ability == Ability::AgentConfig)
        {
            let by_itself = unasked(behaviour.context);
            findings
                .report(&META, "it writes the configuration of a coding agent or editor")
                .severity(if by_itself { META.severity } else { Severity::Low })
                .confidence(if by_itself { META.confidence } else { Confidence::Medium })
                .at(&behaviour.path)
                .line(behaviour.effect.line)
                .excerpt(behaviour.effect.excerpt.as_bytes())
                .context(behaviour.context)
                .add();
        }
    }
}
