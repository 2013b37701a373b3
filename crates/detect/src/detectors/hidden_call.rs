//! A call whose name is hidden.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, doing, quoted, say, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "hidden-call",
    title: "a call whose name is hidden",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
Honest code writes the name of what it calls. A name that is assembled from characters, decoded, or looked up as text among the builtins hides the call
from whoever searches for it.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
getattr(__builtins__, ''.join(map(chr, [112, 114, 105, 110, 116])))('x')
__import__(''.join(map(chr, [111, 115]))).getpid()
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import importlib
backend = importlib.import_module('json')
loads = getattr(backend, 'loads')
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::ComputedCall) {
        let built = behaviour.effect.from.any(Sources::BUILT.with(Sources::DECODED));
        // Hidden from a linter, not from a reader: these give away nothing.
        let idle = matches!(
            behaviour.effect.detail.as_deref(),
            Some("_getframe" | "_current_frames" | "modules" | "path" | "argv" | "version_info" | "platform")
        );
        let (severity, confidence) = match (built, unasked(behaviour.context)) {
            (true, _) if idle => (Severity::Low, Confidence::Low),
            (true, true) => (Severity::High, Confidence::High),
            (true, false) => (Severity::Medium, Confidence::Medium),
            (false, true) if behaviour.context == FindingContext::Install => (Severity::Medium, Confidence::Medium),
            (false, true) => (Severity::Low, Confidence::Low),
            (false, false) => (Severity::Low, Confidence::Low),
        };
        say(
            findings,
            &META,
            behaviour,
            (severity, confidence),
            format!("the name of what is called is hidden: {}, {}", quoted(behaviour), when(behaviour.context)),
        );
    }
}
