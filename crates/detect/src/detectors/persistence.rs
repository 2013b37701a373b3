//! The code arranges to be started again.

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, doing, fixed_address, is_library, quoted, say, weigh_called, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Behaviour, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;
use crate::lang::places;

const META: Meta = Meta {
    id: "persistence",
    title: "the code arranges to be started again",
    severity: Severity::High,
    confidence: Confidence::Medium,
    doc: "\
Shell start-up files, services, launch agents, registry run keys, cron tables, `.pth` files or workflows of a repository (`.github/workflows`) are written, so that something starts again without the
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
            false if asked(behaviour) => continue,
            // What was fetched is put where programs start by themselves.
            false
                if known(behaviour)
                    && !weights(behaviour)
                    && is_library(&behaviour.path)
                    && (behaviour.effect.from.any(Sources::NETWORK) || brings(archive, behaviour)) =>
            {
                weigh_called(behaviour)
            }
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

/// Whether the same function fetches a file from a fixed address and makes it a program.
fn brings(archive: &Archive, behaviour: &Behaviour) -> bool {
    let beside = |ability: Ability| {
        archive.code.behaviours.iter().filter(move |other| {
            other.effect.ability == ability && other.path == behaviour.path && other.unit == behaviour.unit
        })
    };
    beside(Ability::Download).any(|other| other.effect.detail.as_deref().is_some_and(fixed_address))
        && beside(Ability::WriteFile).any(|other| other.effect.from.any(Sources::NETWORK))
        && beside(Ability::MakeExecutable).next().is_some()
}

/// Whether it is a workflow: what sets up a repository writes them when it is called, from templates that it fetches.
fn asked(behaviour: &Behaviour) -> bool {
    behaviour.effect.detail.as_deref().is_some_and(places::workflow)
}

/// Models are kept in files that end like those which Python runs at its start.
fn weights(behaviour: &Behaviour) -> bool {
    behaviour.effect.detail.as_deref().is_some_and(|detail| detail.ends_with(".pth"))
}

/// Whether it is known where: a registry has other uses.
fn known(behaviour: &Behaviour) -> bool {
    behaviour
        .effect
        .detail
        .as_deref()
        .is_some_and(|detail| detail.chars().filter(|c| c.is_alphanumeric()).take(3).count() == 3)
}
