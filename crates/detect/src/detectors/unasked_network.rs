//! The network is used unasked.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, doing, quoted, say, when};
use crate::archive::Archive;
use crate::behaviour::Ability;
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "unasked-network",
    title: "the network is used unasked",
    severity: Severity::Medium,
    confidence: Confidence::Medium,
    doc: "\
A connection is opened at start-up or on import. Some honest packages do that (a check for updates, a test of a service), so it is weighed with everything
else and refuses nothing alone.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import urllib.request
urllib.request.urlopen('https://updates.test/latest')
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import urllib.request
def check():
    urllib.request.urlopen('https://updates.test/latest')
```

What to do: ask what is fetched or sent; a package can wait until it is called.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::Network) {
        if matches!(behaviour.context, FindingContext::Import | FindingContext::Startup) {
            let startup = behaviour.context == FindingContext::Startup;
            let weight = if startup { (Severity::High, Confidence::High) } else { (Severity::Low, Confidence::High) };
            say(
                findings,
                &META,
                behaviour,
                weight,
                format!("the network is used {}: {}", when(behaviour.context), quoted(behaviour)),
            );
        }
    }
}
