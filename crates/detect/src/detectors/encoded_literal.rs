//! A long encoded text beside something that runs it.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::Rule;
use crate::archive::Archive;
use crate::behaviour::{Ability, rank};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "encoded-literal",
    title: "a long encoded text beside something that runs it",
    severity: Severity::Medium,
    confidence: Confidence::Low,
    doc: "\
A text of 2 kB and more that looks encoded stands in a file that decodes or runs something. Test data and pictures look the same, so it only adds to the
score.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import base64
DATA = '''
%repeat 600 QUJD
'''
base64.b64decode(DATA)
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
TEXT = 'hello'
```

What to do: see what it decodes to.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for (view, reached) in archive.code.views.iter().zip(&archive.code.reached) {
        let Some((line, length)) = view.literals.encoded.first() else { continue };
        let runs = view.units.iter().flat_map(|unit| &unit.effects).any(|effect| {
            matches!(effect.ability, Ability::Execute | Ability::Decode | Ability::Decrypt | Ability::ComputedCall)
        });
        if !runs {
            continue;
        }
        let context =
            reached.iter().flatten().copied().min_by_key(|context| rank(*context)).unwrap_or(FindingContext::Call);
        let severity = if context == FindingContext::Install { Severity::Medium } else { Severity::Low };
        findings
            .report(
                &META,
                format!("{length} characters of encoded text stand in a file that decodes or runs something"),
            )
            .at(&view.path)
            .line(*line)
            .context(context)
            .severity(severity)
            .add();
    }
}
