//! There is nothing in it.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::Rule;
use crate::archive::Archive;
use crate::detector::Meta;
use crate::filename::normal_name;
use crate::findings::Findings;
use crate::lang::{Language, View, python};
use crate::profile::requires;

const META: Meta = Meta {
    id: "empty-release",
    title: "there is nothing in it",
    severity: Severity::Medium,
    confidence: Confidence::High,
    doc: "\
The release holds no code that does anything, no data, and needs no other package. Such releases hold a name: of an internal package that somebody claimed
in public, of a popular one misspelled, of one that is to be filled later. Whoever receives it asked for something else, so a resolver looked in the wrong
place, and the next version of it may hold anything.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
from setuptools import setup
setup(name='demo', version='1.0')
--- demo-1.0/demo/__init__.py
__version__ = '1.0'
def info():
    return 'This is a placeholder.'
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
from setuptools import setup
setup(name='demo', version='1.0')
--- demo-1.0/demo/__init__.py
def info(text):
    return text.upper()
```

What to do: see which name was meant. When it is an internal one, reserve it in the policy (`reserved`), and tell the resolver where it is.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

/// Expressions of a whole release from which on it is a table of constants, which somebody may want.
const MOST: u32 = 60;

fn check(archive: &Archive, findings: &mut Findings) {
    if !archive.kind.is_python() || !archive.readable {
        return;
    }
    let mut weight = 0u32;
    for entry in archive.files().filter(|entry| entry.size > 0 && !is_about(&entry.path)) {
        if is_setup(archive, &entry.path) {
            continue;
        }
        let view = archive.code.views.iter().find(|view| view.path == entry.path);
        match view.filter(|view| !leans(archive, view)).and_then(|view| view.shape.idle) {
            Some(idle) => weight = weight.saturating_add(idle),
            None => return,
        }
    }
    if weight > MOST || !requires::of(archive).is_empty() || asks(archive) {
        return;
    }
    findings
        .report(&META, "there is nothing in this release: no code that does anything, no data, no other package")
        .context(FindingContext::Archive)
        .add();
}

/// Whether a file speaks about the release and is no part of what it gives.
fn is_about(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let file = lower.rsplit('/').next().unwrap_or_default();
    let folder = |end: &str| lower.split('/').any(|part| part.ends_with(end));
    folder(".egg-info")
        || folder(".dist-info")
        || folder("__pycache__")
        || lower.starts_with("egg-info/")
        || lower.split('/').any(|part| matches!(part, "tests" | "test" | "docs"))
        || matches!(
            file,
            "pkg-info" | "license" | "licence" | "copying" | "authors" | "makefile" | "readme" | "py.typed"
        )
        || file.starts_with('.')
        || file.starts_with("license")
        || [".md", ".rst", ".txt", ".cfg", ".toml", ".in", ".lock"].iter().any(|end| file.ends_with(end))
}

/// What builds it runs, and is judged for what it does then; it is nothing to use.
fn is_setup(archive: &Archive, path: &str) -> bool {
    archive.kind.is_sdist() && path.trim_start_matches("./").matches('/').count() <= 1 && path.ends_with("setup.py")
}

/// Whether a file takes what it gives from another package.
fn leans(archive: &Archive, view: &View) -> bool {
    view.language == Language::Python
        && view.imports.iter().any(|import| {
            let root = import.module.split('.').next().unwrap_or_default();
            let own = archive
                .entries
                .iter()
                .any(|entry| entry.path.split('/').any(|part| part.strip_suffix(".py").unwrap_or(part) == root));
            !own && !root.is_empty() && !python::known_module(root)
        })
}

/// Whether it asks for another package in a way that is not read as a list of requirements.
fn asks(archive: &Archive) -> bool {
    let own = archive.file_name.as_ref().map(|file| normal_name(&file.name)).unwrap_or_default();
    archive.files().any(|entry| {
        let file = entry.path.rsplit('/').next().unwrap_or_default();
        let Some(content) = entry.content.as_deref() else { return false };
        let text = String::from_utf8_lossy(content);
        match file {
            "requires.txt" => text
                .lines()
                .any(|line| !line.trim().is_empty() && !line.starts_with('[') && normal_name(line.trim()) != own),
            "setup.py" => {
                ["install_requires", "ext_modules", "cffi_modules", "rust_extensions", "cmake"].iter().any(|word| {
                    text.contains(word)
                        && !text.contains(&format!("{word}=[]"))
                        && !text.contains(&format!("{word} = []"))
                })
            }
            "setup.cfg" => text.contains("install_requires"),
            "pyproject.toml" => text.lines().any(|line| {
                let line = line.replace(' ', "");
                line.starts_with("dependencies=") && line != "dependencies=[]" || line == "[tool.poetry.dependencies]"
            }),
            _ => false,
        }
    })
}
