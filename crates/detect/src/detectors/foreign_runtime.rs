//! Another language's runtime, fetched or brought along, and started by itself.

use bulkhead_core::{Confidence, FindingContext, Severity};

use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::{Detector, Meta};
use crate::findings::Findings;
use crate::lang::javascript;

const META: Meta = Meta {
    id: "foreign-runtime",
    title: "a runtime is fetched or brought along to run code elsewhere",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
Attacks of 2025 and 2026 fetched Bun at install or import and ran megabytes of JavaScript in it: hooks on Node or Python
see nothing of that. A package that wants another runtime says so as a dependency; it does not download one by itself.

```recipe bad
archive demo-1.0.0.tgz
expect high
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\", \"scripts\": { \"preinstall\": \"node setup_bun.js\" } }
--- package/setup_bun.js
const { execSync, spawn } = require('child_process');
execSync('curl -fsSL https://bun.sh/install > bun.sh');
spawn('bun', ['environment.js']);
```

```recipe good
archive demo-1.0.0.tgz
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\" }
--- package/index.js
exports.hint = () => 'Bun is installed with: curl -fsSL https://bun.sh/install | bash';
```

What to do: refuse the release unless it is a known installer of that runtime.
",
};

/// See its `META`.
pub(crate) struct ForeignRuntime;

/// Where runtimes are fetched from.
const ORIGINS: &[&str] = &[
    "bun.sh/install",
    "oven-sh/bun",
    "deno.land/install",
    "deno.land/x/install",
    "denoland/deno",
    "nodejs.org/dist",
    "bun-linux",
    "bun-darwin",
    "bun-windows",
];

impl Detector for ForeignRuntime {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        let by_itself = || archive.code.behaviours.iter().filter(|behaviour| unasked(behaviour.context));
        for behaviour in by_itself().filter(|behaviour| {
            matches!(behaviour.effect.ability, Ability::Download | Ability::Network | Ability::Shell | Ability::Spawn)
        }) {
            let detail = behaviour.effect.detail.as_deref().unwrap_or_default();
            if ORIGINS.iter().any(|origin| detail.contains(origin)) {
                findings
                    .report(&META, "it fetches another language's runtime by itself")
                    .at(&behaviour.path)
                    .line(behaviour.effect.line)
                    .excerpt(behaviour.effect.excerpt.as_bytes())
                    .context(behaviour.context)
                    .add();
            }
        }
        if !archive.kind.is_python() {
            return;
        }
        // JavaScript of a Python package that the package itself starts: no browser is meant.
        let large: Vec<&str> = archive
            .files()
            .filter(|entry| javascript::is_script(&entry.path) && entry.size > 256 << 10)
            .map(|entry| entry.path.as_str())
            .collect();
        for behaviour in
            by_itself().filter(|behaviour| matches!(behaviour.effect.ability, Ability::Shell | Ability::Spawn))
        {
            let detail = behaviour.effect.detail.as_deref().unwrap_or_default();
            let started = large.iter().find(|path| path.rsplit('/').next().is_some_and(|name| detail.contains(name)));
            if let Some(path) = started {
                findings
                    .report(&META, format!("it starts `{path}` in another runtime"))
                    .at(&behaviour.path)
                    .line(behaviour.effect.line)
                    .excerpt(behaviour.effect.excerpt.as_bytes())
                    .context(behaviour.context)
                    .add();
            }
        }
        for entry in archive.files().filter(|entry| is_program(entry.head())) {
            let name = entry.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            if matches!(name.trim_end_matches(".exe"), "bun" | "deno" | "node") {
                findings
                    .report(&META, "it brings another language's runtime")
                    .severity(Severity::Medium)
                    .confidence(Confidence::Medium)
                    .context(FindingContext::Archive)
                    .at(&entry.path)
                    .add();
            }
        }
    }
}

/// ELF, PE or Mach-O, by the first bytes.
pub(crate) fn is_program(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
        || head.starts_with(b"MZ")
        || [[0xfe, 0xed, 0xfa, 0xce], [0xfe, 0xed, 0xfa, 0xcf], [0xcf, 0xfa, 0xed, 0xfe], [0xce, 0xfa, 0xed, 0xfe]]
            .iter()
            .any(|magic| head.starts_with(magic))
}
