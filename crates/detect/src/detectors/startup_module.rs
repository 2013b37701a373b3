//! Modules with the names that Python imports by itself.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::place;
use crate::archive::Archive;
use crate::detector::{Detector, Meta};
use crate::findings::Findings;

const META: Meta = Meta {
    id: "startup-module",
    title: "a sitecustomize or usercustomize module",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
Python imports `sitecustomize` and `usercustomize` at every start if they exist. A wheel that installs one runs at every
start of Python, and replaces the machine owner's own.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- sitecustomize.py
print('started')
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/sitecustomize.py
# an ordinary module of the package: nothing imports it by itself
```

What to do: refuse the release unless it is your own.
",
};

/// See its `META`.
pub(crate) struct StartupModule;

impl Detector for StartupModule {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        // In a source distribution, only its build can say where such a file goes.
        if archive.kind.is_sdist() {
            return;
        }
        for entry in archive.files() {
            if place::site_path(&entry.path).is_some_and(|site| is_startup_module(&site)) {
                findings
                    .report(&META, format!("`{}` is imported at every start of Python", entry.path))
                    .at(&entry.path)
                    .context(FindingContext::Startup)
                    .add();
            }
        }
    }
}

/// `sitecustomize.py`, its compiled and native forms, or a package of that name.
fn is_startup_module(site_path: &str) -> bool {
    let (first, rest) = site_path.split_once('/').map_or((site_path, None), |(first, rest)| (first, Some(rest)));
    let (stem, extension) = first.split_once('.').map_or((first, None), |(stem, extension)| (stem, Some(extension)));
    let named = matches!(stem.to_ascii_lowercase().as_str(), "sitecustomize" | "usercustomize");
    match (rest, extension) {
        // A directory, of which the first module makes it a package.
        (Some(rest), None) => named && rest.to_ascii_lowercase().starts_with("__init__."),
        (Some(_), Some(_)) => false,
        (None, extension) => {
            let loadable =
                [".py", ".pyc", ".pyw", ".so", ".pyd"].iter().any(|end| first.to_ascii_lowercase().ends_with(end));
            named && extension.is_some() && loadable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_startup_module;

    #[test]
    fn every_form_that_python_imports_counts() {
        for path in [
            "sitecustomize.py",
            "usercustomize.pyc",
            "sitecustomize.cpython-311-x86_64-linux-gnu.so",
            "sitecustomize/__init__.py",
            "SiteCustomize.PY",
        ] {
            assert!(is_startup_module(path), "{path}");
        }
        for path in
            ["mysitecustomize.py", "sitecustomize.txt", "demo/sitecustomize.py", "sitecustomize-1.dist-info/RECORD"]
        {
            assert!(!is_startup_module(path), "{path}");
        }
    }
}
