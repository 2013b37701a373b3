//! It says of itself that it is an attack.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::Rule;
use super::place;
use crate::archive::Archive;
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "declared-test",
    title: "it says of itself that it is a test of an attack",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
A small release that describes itself as a proof of concept, a test of dependency confusion or a find for a bug bounty. Whoever receives it is what was
tested. Whether it means well is its author's word, and its next version is its author's choice.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/PKG-INFO
Metadata-Version: 2.1
Name: demo
Version: 1.0
Summary: PoC for dependency confusion
--- demo-1.0/demo/__init__.py
def hello(name):
    return 'hello ' + name
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/PKG-INFO
Metadata-Version: 2.1
Name: demo
Version: 1.0
Summary: says hello
--- demo-1.0/demo/__init__.py
def hello(name):
    return 'hello ' + name
```

What to do: see which name was meant. When it is an internal one, reserve it in the policy (`reserved`).
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

/// Lines of code up to which a release is little more than what it says. Tools that look for such things hold more.
const SMALL: u32 = 200;

const WORDS: &[&str] = &[
    "dependency confusion",
    "dependency-confusion",
    "bug bounty",
    "bugbounty",
    "security research",
    "responsible disclosure",
    "namesquat",
    "name squatting",
    "typosquatting protection",
    "prevent typosquatting",
];

fn check(archive: &Archive, findings: &mut Findings) {
    let lines: u32 = archive.code.views.iter().map(|view| view.shape.lines).fold(0, u32::saturating_add);
    if !archive.kind.is_python() || lines > SMALL {
        return;
    }
    let Some(entry) = place::core_metadata(archive) else { return };
    let Some(content) = entry.content.as_deref() else { return };
    let text = String::from_utf8_lossy(&content[..content.len().min(64 << 10)]).to_ascii_lowercase();
    if let Some(word) = WORDS.iter().find(|word| text.contains(**word)) {
        findings
            .report(&META, format!("it says of itself that it is about `{word}`, and holds little else"))
            .at(&entry.path)
            .context(FindingContext::Archive)
            .add();
    }
}
