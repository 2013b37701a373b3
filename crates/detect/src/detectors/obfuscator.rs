//! Code behind an obfuscator or packer.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, weigh, when};
use crate::archive::Archive;
use crate::behaviour::rank;
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "obfuscator",
    title: "code behind an obfuscator or packer",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
The code is packed by an obfuscator, and unpacks itself when it runs: nothing of what it does can be read. Commercial packers are used by honest vendors
too, but hardly in public registries.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
from pyarmor_runtime_000000 import __pyarmor__
__pyarmor__(__name__, __file__, b'x')
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import json
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for (view, reached) in archive.code.views.iter().zip(&archive.code.reached) {
        let Some(import) = view.imports.iter().find(|import| is_packer(&import.module)) else { continue };
        let context =
            reached.iter().flatten().copied().min_by_key(|context| rank(*context)).unwrap_or(FindingContext::Call);
        let weight = weigh(context, Severity::High, Confidence::High);
        findings
            .report(&META, format!("the code is packed (`{}`) and unpacks itself {}", import.module, when(context)))
            .at(&view.path)
            .line(import.line)
            .context(context)
            .severity(weight.0)
            .confidence(weight.1)
            .add();
    }
}

fn is_packer(module: &str) -> bool {
    let root = module.split('.').next().unwrap_or(module);
    root.starts_with("pyarmor_runtime")
        || module.split('.').any(|part| part.starts_with("pyarmor_runtime") || part == "pytransform")
        || matches!(root, "sourcedefender" | "pyconcrete" | "pye")
}
