//! Patterns with `*`, which stands for any characters, none included. Linear in the text for each `*`.

use crate::Ecosystem;

/// A pattern over names or versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Glob(String);

impl Glob {
    /// A pattern, taken as written.
    pub(super) fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// A pattern over the names of an ecosystem, brought to the form that names have there (PyPI: PEP 503).
    pub(super) fn name(ecosystem: Ecosystem, pattern: &str) -> Self {
        if ecosystem != Ecosystem::Pypi {
            return Self::new(pattern);
        }
        let mut out = String::with_capacity(pattern.len());
        for char in pattern.chars() {
            match char {
                '-' | '_' | '.' if out.ends_with('-') => {}
                '-' | '_' | '.' => out.push('-'),
                other => out.push(other.to_ascii_lowercase()),
            }
        }
        Self(out)
    }

    /// Whether the whole text is of that pattern.
    pub(super) fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let Some(mut part) = parts.next() else { return rest.is_empty() };
        // Every part but the last may sit anywhere, so the earliest place is as good as any; the last ends the text.
        for next in parts {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
            part = next;
        }
        rest.ends_with(part)
    }
}
