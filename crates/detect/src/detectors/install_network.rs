//! The installation talks to the network.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, doing, quoted, say};
use crate::archive::Archive;
use crate::behaviour::{Ability, Behaviour};
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
            say(
                findings,
                &META,
                behaviour,
                (Severity::High, Confidence::High),
                format!("the installation talks to the network: {}", quoted(behaviour)),
            );
        }
    }
}

fn is_local(behaviour: &Behaviour) -> bool {
    behaviour
        .effect
        .detail
        .as_deref()
        .is_some_and(|detail| ["://localhost", "://127.0.0.1", "127.0.0.1 "].iter().any(|local| detail.contains(local)))
}
