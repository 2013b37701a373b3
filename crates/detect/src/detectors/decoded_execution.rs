//! Decoded or assembled text is run as code.

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, acts_inside, doing, is_test, say, weigh, weigh_called, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Behaviour, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;
use crate::lang::View;

const META: Meta = Meta {
    id: "decoded-execution",
    title: "decoded or assembled text is run as code",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
Code that is kept as base64, compressed, or put together from characters, and then run, is code that nobody was meant to read. At install, at
start-up or on import it runs without anybody asking for it. This is how litellm 1.82.7 carried its payload.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import base64
exec(base64.b64decode('cGFzcw=='))
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import base64
LOGO = base64.b64decode('cGFzcw==')
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// Bytes of a line that nobody wrote by hand.
const LONG: u32 = 2_000;

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::Execute) {
        let from = behaviour.effect.from;
        if !from.any(Sources::DECODED.with(Sources::BUILT)) {
            continue;
        }
        let confidence = if from.any(Sources::DECODED) { Confidence::High } else { Confidence::Medium };
        let how = if from.any(Sources::DECODED) { "decoded" } else { "put together from characters" };
        let builtin = matches!(behaviour.effect.detail.as_deref(), Some("exec" | "eval" | "compile" | "__import__"));
        let called = !unasked(behaviour.context) && !is_test(&behaviour.path);
        let decoded = from.any(Sources::DECODED);
        let packed = || {
            let same = |view: &&View| view.path == behaviour.path;
            archive
                .code
                .views
                .iter()
                .filter(same)
                .any(|view| !view.literals.encoded.is_empty() || view.shape.longest.0 > LONG)
        };
        let weight = if called
            && (builtin && (decoded || packed())
                || (decoded || reaches_out(archive, behaviour)) && acts_inside(archive, behaviour))
        {
            weigh_called(behaviour)
        } else if called && builtin {
            (Severity::High, Confidence::High)
        } else {
            weigh(behaviour.context, Severity::Critical, confidence)
        };
        say(
            findings,
            &META,
            behaviour,
            weight,
            format!("code is {how} and run {}: its text was not meant to be read", when(behaviour.context)),
        );
    }
}

/// Whether what was put together talks to the network: a line for another program does not.
fn reaches_out(archive: &Archive, behaviour: &Behaviour) -> bool {
    archive.code.behaviours.iter().any(|other| {
        other.path == behaviour.path
            && other.unit == behaviour.unit
            && other.effect.line == behaviour.effect.line
            && matches!(other.effect.ability, Ability::Network | Ability::Download)
    })
}
