//! Its name misspells what it installs.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::Rule;
use crate::archive::Archive;
use crate::detector::Meta;
use crate::filename::normal_name;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "misspelled-name",
    title: "its name misspells what it installs",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
The release installs a package whose name differs from the project's by one letter in the middle, or by two that changed places. Whoever copies a popular
project to wait for those who mistype it has to leave the package inside as it is called. A prefix, an ending, a number or another separator says nothing.

```recipe bad
archive demonsrtator-1.0-py3-none-any.whl
--- demonstrator/__init__.py
def show(text):
    return text.upper()
```

```recipe good
archive demonstrator2-1.0-py3-none-any.whl
--- demonstrator/__init__.py
def show(text):
    return text.upper()
```

What to do: see which project was meant, and install that.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

/// Shorter names are one letter apart by chance.
const SHORTEST: usize = 6;

fn check(archive: &Archive, findings: &mut Findings) {
    let Some(file) = archive.file_name.as_ref().filter(|_| archive.kind.is_python()) else { return };
    let project = bare(&file.name);
    let tops: Vec<(&str, String)> = archive.files().filter_map(|entry| top(archive, &entry.path)).collect();
    // Who installs a package of its own name as well has nothing to copy.
    if tops.iter().any(|(_, name)| *name == project) {
        return;
    }
    if let Some((path, name)) = tops.iter().find(|(_, name)| misspells(&project, name)) {
        findings
            .report(&META, format!("`{}` installs a package that is called `{name}`", file.name))
            .at(path)
            .context(FindingContext::Archive)
            .add();
    }
}

/// A name without what separates its words.
fn bare(name: &str) -> String {
    normal_name(name).replace('-', "")
}

/// The name of the package that an `__init__.py` at the top makes, without the folders that a source distribution puts around it.
fn top<'a>(archive: &Archive, path: &'a str) -> Option<(&'a str, String)> {
    let mut parts = path.strip_prefix("./").unwrap_or(path).split('/');
    if archive.kind.is_sdist() {
        parts.next();
    }
    let mut first = parts.next()?;
    if matches!(first, "src" | "lib" | "python") {
        first = parts.next()?;
    }
    (parts.next() == Some("__init__.py") && parts.next().is_none()).then(|| (path, bare(first)))
}

/// Whether two names differ by one letter that is neither the first nor at the end, or by letters that changed places.
fn misspells(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a == b || a.len() < SHORTEST || b.len() < SHORTEST || a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let begins = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let ends = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (rest(a, begins, ends), rest(b, begins, ends));
    let letters = a.iter().chain(b).all(u8::is_ascii_lowercase);
    let places = {
        let (mut a, mut b) = (a.to_vec(), b.to_vec());
        a.sort_unstable();
        b.sort_unstable();
        a == b && a.len() <= 3
    };
    begins > 0 && ends > 0 && letters && (a.len().max(b.len()) <= 1 || places)
}

/// What stands between a beginning and an end, which may overlap where a letter is doubled.
fn rest(text: &[u8], begins: usize, ends: usize) -> &[u8] {
    let end = text.len().saturating_sub(ends).max(begins.min(text.len()));
    &text[begins.min(end)..end]
}

#[cfg(test)]
mod tests {
    use super::misspells;

    #[test]
    fn a_slip_is_told_from_a_variant() {
        for (a, b) in [
            ("demonsrtator", "demonstrator"),
            ("demonsttrator", "demonstrator"),
            ("demostrator", "demonstrator"),
            ("demonstratir", "demonstrator"),
            ("demonztrator", "demonstrator"),
        ] {
            assert!(misspells(a, b) && misspells(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("demonstrator", "demonstrator"),
            ("demonstrators", "demonstrator"),
            ("demonstrator2", "demonstrator"),
            ("emonstrator", "demonstrator"),
            ("demonstrator", "demonstration"),
            ("demon2strator", "demonstrator"),
            ("grpciostatus", "grpcstatus"),
            ("attrs", "attr"),
        ] {
            assert!(!misspells(a, b) && !misspells(b, a), "{a} {b}");
        }
    }
}
