//! PowerShell whose text is hidden.

use bulkhead_core::{Confidence, Severity};

use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::{Detector, Meta};
use crate::findings::Findings;

const META: Meta = Meta {
    id: "encoded-powershell",
    title: "PowerShell is given its commands encoded",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
`powershell -EncodedCommand` takes base64 of UTF-16, so that nobody sees what is run. Half of the malicious packages of a large public
collection are one campaign that does this in `setup.py`. Bulkhead decodes the text and judges what is in it as well.

```recipe bad
archive demo-1.0.0.tgz
expect critical
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\", \"scripts\": { \"postinstall\": \"powershell -NoP -W Hidden -Enc VwByAGkAdABlAC0ATwB1AHQAcAB1AHQAIAAnAGgAZQBsAGwAbwAgAGYAcgBvAG0AIAB0AGgAZQAgAGQAcgBpAGwAbAAnAA==\" } }
```

```recipe good
archive demo-1.0.0.tgz
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\", \"scripts\": { \"build\": \"powershell -ExecutionPolicy Bypass -File build.ps1\" } }
```

What to do: Refuse the release.
",
};

/// See its `META`.
pub(crate) struct EncodedPowershell;

impl Detector for EncodedPowershell {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        for behaviour in archive.code.behaviours.iter().filter(|behaviour| {
            behaviour.effect.ability == Ability::Shell && behaviour.effect.detail.as_deref() == Some("powershell -enc")
        }) {
            let by_itself = unasked(behaviour.context);
            findings
                .report(&META, "PowerShell runs commands that are encoded")
                .severity(if by_itself { META.severity } else { Severity::Medium })
                .confidence(if by_itself { META.confidence } else { Confidence::Medium })
                .at(&behaviour.path)
                .line(behaviour.effect.line)
                .excerpt(behaviour.effect.excerpt.as_bytes())
                .context(behaviour.context)
                .add();
        }
    }
}
