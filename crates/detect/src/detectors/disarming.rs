//! Protections are switched off or rights are raised.

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, quoted, say, weigh_called, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "disarming",
    title: "protections are switched off or rights are raised",
    severity: Severity::High,
    confidence: Confidence::Medium,
    doc: "\
Antivirus exclusions, certificate checks or audit hooks are switched off, or the code asks for more rights than it was given, without anybody calling it.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
import ctypes
ctypes.windll.shell32.ShellExecuteW(None, 'runas', 'demo', '', None, 1)
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import ssl
CONTEXT = ssl.create_default_context()
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in &archive.code.behaviours {
        let what = match behaviour.effect.ability {
            Ability::Escalate => "more rights are asked for",
            Ability::Disarm => "a protection is switched off",
            Ability::Mine => "a miner is started",
            Ability::ReadMemory => "the memory of another program is read",
            _ => continue,
        };
        let scanner = behaviour
            .effect
            .detail
            .as_deref()
            .is_some_and(|detail| detail.to_ascii_lowercase().contains("mppreference"));
        let weight = match (unasked(behaviour.context), behaviour.effect.ability) {
            // The machine's virus scanner is told to look away.
            (true, Ability::Disarm) if scanner => (Severity::High, Confidence::High),
            (false, Ability::Disarm) if scanner => weigh_called(behaviour),
            (true, Ability::Disarm) => (Severity::Medium, Confidence::Medium),
            (true, _) => (Severity::High, Confidence::Medium),
            (false, Ability::Mine) => (Severity::Medium, Confidence::Medium),
            (false, _) => (Severity::Low, Confidence::Low),
        };
        say(findings, &META, behaviour, weight, format!("{what} {}: {}", when(behaviour.context), quoted(behaviour)));
    }
}
