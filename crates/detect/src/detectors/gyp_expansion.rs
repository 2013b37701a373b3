//! `binding.gyp` that runs a file of the package.

use bulkhead_core::{Confidence, FindingContext, Severity};

use crate::archive::Archive;
use crate::detector::{Detector, Meta};
use crate::findings::Findings;

const META: Meta = Meta {
    id: "gyp-expansion",
    title: "binding.gyp starts a program of the package",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
npm builds any package that has a `binding.gyp`, whether or not it has scripts, and the build expands `<!(command)` by
running the command. Asking a dependency for its include folder is everyday. Running a file of the package itself is not,
least of all where there is nothing to compile.

```recipe bad
archive demo-1.0.0.tgz
expect high
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\" }
--- package/binding.gyp
{ 'targets': [{ 'target_name': 'x', 'sources': ['<!(node index.js)'] }] }
--- package/index.js
console.log('x.c');
```

```recipe good
archive demo-1.0.0.tgz
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\" }
--- package/binding.gyp
{ 'targets': [{ 'include_dirs': [\"<!(node -p \\\"require('node-addon-api').include\\\")\"], 'sources': ['x.cc'] }] }
--- package/x.cc
int x;
```

What to do: install with scripts switched off, and read the file that is run.
",
};

/// See its `META`.
pub(crate) struct GypExpansion;

impl Detector for GypExpansion {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        const SOURCES: &[&str] = &[".c", ".cc", ".cpp", ".cxx", ".mm", ".m", ".rs", ".s", ".asm"];
        let compiles =
            || archive.files().any(|entry| SOURCES.iter().any(|end| entry.path.to_ascii_lowercase().ends_with(end)));
        for hook in archive.code.hooks.iter().filter(|hook| hook.kind == "gyp") {
            let folder = crate::package::npm::folder(&hook.path);
            let own = hook.runs.split(|c: char| c.is_whitespace() || "\"'`&|;()=".contains(c)).any(|word| {
                !word.is_empty() && archive.file(&format!("{folder}{}", word.trim_start_matches("./"))).is_some()
            });
            if !own {
                continue;
            }
            let severity = if compiles() { Severity::Low } else { Severity::High };
            findings
                .report(&META, "building the package runs a file of it, by an expansion in `binding.gyp`")
                .severity(severity)
                .at(&hook.path)
                .line(hook.line)
                .excerpt(hook.runs.as_bytes())
                .context(FindingContext::Install)
                .add();
        }
    }
}
