//! A pickle that runs something when it is loaded.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, is_test};
use crate::archive::Archive;
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "pickle-execution",
    title: "a pickle that runs something when it is loaded",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
Loading a pickle calls the functions that it names: a model file (`.pkl`, `.pt`, `.ckpt`, `.joblib`) is a program. Honest ones name classes and array
builders; this one names what starts programs or runs code. A stream that breaks half-way is judged too, because its beginning has run by then.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/model.pkl
cos
system
(S'true'
tR.
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/model.pkl
ccollections
OrderedDict
(tR.
```

What to do: refuse the release and do not load the file; models can be had in formats that hold no code (`.safetensors`, `.onnx`).
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for (path, calls) in &archive.code.pickles {
        // Scanners of pickles carry bad ones to try themselves on.
        let severity = if is_test(path) { Severity::Medium } else { Severity::Critical };
        findings
            .report(&META, format!("loading `{path}` calls `{calls}`"))
            .at(path)
            .context(FindingContext::Load)
            .severity(severity)
            .add();
    }
}
