//! The address that code talks to is hidden.

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, doing, is_library, quoted, say, weigh_called, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "hidden-address",
    title: "the address that code talks to is hidden",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
The host that a program talks to stands in its code only as encoded text, or is put together from characters. An address is no secret: whoever runs the
code sees it. It is hidden from those who only read the code.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import base64, requests
PLACE = base64.b64decode('aHR0cHM6Ly9jb2xsZWN0LnRlc3Qv').decode()
def send(text):
    requests.post(PLACE, json={'text': text})
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import base64, requests
PLACE = 'https://collect.test/'
def send(text):
    requests.post(PLACE, data=base64.b64encode(text))
```

What to do: refuse the release; if it is your own, write the address as it is.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::HideAddress).filter(|behaviour| is_library(&behaviour.path)) {
        let weight =
            if unasked(behaviour.context) { (META.severity, META.confidence) } else { weigh_called(behaviour) };
        say(
            findings,
            &META,
            behaviour,
            weight,
            format!("the code talks to an address that it hides {}: {}", when(behaviour.context), quoted(behaviour)),
        );
    }
}
