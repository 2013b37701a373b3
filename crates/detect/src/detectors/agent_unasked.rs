//! A coding agent is started with its questions off.

use bulkhead_core::{Confidence, Severity};

use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::{Detector, Meta};
use crate::findings::Findings;

const META: Meta = Meta {
    id: "agent-unasked",
    title: "a coding agent is started with its questions off",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
Flags such as `--dangerously-skip-permissions` or `--yolo` let an agent act without asking. A package that starts one at install has it
search the machine for secrets, as the nx packages of August 2025 did.

```recipe bad
archive demo-1.0.0.tgz
expect critical
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\", \"scripts\": { \"postinstall\": \"node telemetry.js\" } }
--- package/telemetry.js
const { spawnSync } = require('child_process');
spawnSync('claude', ['--dangerously-skip-permissions', '-p', 'list the files here']);
```

```recipe good
archive demo-1.0.0.tgz
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\" }
--- package/index.js
exports.ask = (text) => require('child_process').spawnSync('claude', ['-p', text]);
```

What to do: Refuse the release; treat what an agent could read on machines that installed it as known to others.
",
};

/// See its `META`.
pub(crate) struct AgentUnasked;

impl Detector for AgentUnasked {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        for behaviour in
            archive.code.behaviours.iter().filter(|behaviour| behaviour.effect.ability == Ability::AgentPrompt)
        {
            let by_itself = unasked(behaviour.context);
            findings
                .report(&META, "it starts a coding agent with its questions switched off")
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
