//! Text that shows something else than it says.

use bulkhead_core::{Confidence, FindingContext, Severity};

use crate::archive::Archive;
use crate::detector::{Detector, Meta};
use crate::findings::Findings;

const META: Meta = Meta {
    id: "deceptive-text",
    title: "code holds characters that deceive its reader",
    severity: Severity::Medium,
    confidence: Confidence::Medium,
    doc: "\
Bidirectional controls change the order in which a line is shown, so that what a reviewer sees is not what runs. Long runs of variation
selectors or tag characters carry data that no editor shows.

```recipe bad
archive demo-1.0.0.tgz
expect medium
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\" }
--- package/index.js
const level = 'user\u{202e} \u{2066}// only for admins\u{2069} \u{2066}';
```

```recipe good
archive demo-1.0.0.tgz
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\" }
--- package/index.js
const greeting = 'שלום, 世界';
```

What to do: Look at the line with an editor that shows invisible characters.
",
};

/// See its `META`.
pub(crate) struct DeceptiveText;

impl Detector for DeceptiveText {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        for (view, reached) in archive.code.views.iter().zip(&archive.code.reached) {
            if let Some(line) = view.shape.deceptive {
                // Texts about such characters hold them, too: this alone decides nothing.
                let context = reached.iter().flatten().copied().min_by_key(|context| crate::behaviour::rank(*context));
                let draft =
                    findings.report(&META, "a line holds characters that change what is shown, or that nobody sees");
                draft.at(&view.path).line(line).context(context.unwrap_or(FindingContext::Call)).add();
            }
        }
    }
}
