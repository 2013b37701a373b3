//! Native programs that a package brings and starts by itself.

use bulkhead_core::{Confidence, FindingContext, Severity};

use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::{Detector, Meta};
use crate::detectors::foreign_runtime::is_program;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "native-program",
    title: "a native program is brought along and started by itself",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
An ELF, PE or Mach-O file cannot be judged by reading it here. One that an install script or an import starts is run by everybody who
installs the package. What a package calls when it is asked to is left to the comparison with the release before.

```recipe bad
archive demo-1.0.0.tgz
expect high
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\", \"scripts\": { \"postinstall\": \"./bin/setup.exe\" } }
--- package/bin/setup.exe
MZ and no program
```

```recipe good
archive demo-1.0.0.tgz
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\", \"scripts\": { \"test\": \"./bin/setup.exe\" } }
--- package/bin/setup.exe
MZ and no program
```

What to do: Refuse the release, unless it is known for the program it brings.
",
};

/// See its `META`.
pub(crate) struct NativeProgram;

impl Detector for NativeProgram {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        let programs: Vec<&str> = archive
            .files()
            .filter(|entry| is_program(entry.head()) && !entry.path.ends_with(".node"))
            .map(|entry| entry.path.as_str())
            .collect();
        if programs.is_empty() {
            return;
        }
        let started = |command: &str| {
            let mut words = command.split(|c: char| c.is_whitespace() || "\"'`&|;()=,".contains(c));
            words.find_map(|word| {
                let name = word.rsplit(['/', '\\']).next().filter(|name| name.len() > 2)?;
                programs.iter().find(|path| {
                    path.rsplit('/').next() == Some(name) && path.ends_with(word.trim_start_matches(['.', '/', '?']))
                })
            })
        };
        let hooks =
            archive.code.hooks.iter().map(|hook| (hook.context, hook.path.as_str(), hook.line, hook.runs.as_str()));
        let spawned = archive
            .code
            .behaviours
            .iter()
            .filter(|behaviour| matches!(behaviour.effect.ability, Ability::Spawn | Ability::Shell));
        let spawned = spawned.map(|behaviour| {
            (
                behaviour.context,
                behaviour.path.as_str(),
                behaviour.effect.line,
                behaviour.effect.detail.as_deref().unwrap_or_default(),
            )
        });
        for (context, path, line, command) in hooks.chain(spawned).filter(|(context, ..)| unasked(*context)) {
            if let Some(program) = started(command) {
                // A script's callbacks count as started with it, and tools bring helpers for one system or another.
                let sure = context != FindingContext::Import || !path.ends_with("js");
                findings
                    .report(&META, format!("it starts `{program}`, a native program that it brings"))
                    .at(path)
                    .line(line)
                    .excerpt(command.as_bytes())
                    .context(context)
                    .confidence(if sure { META.confidence } else { Confidence::Medium })
                    .add();
            }
        }
    }
}
