//! Project names, which exist only normalised.

use std::fmt;

use bulkhead_core::{Ecosystem, Purl};

/// A project name in its normalised form (PEP 503): lower case, runs of `-`, `_` and `.` are one `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectName(Box<str>);

/// The text cannot be the name of a Python project (PEP 508).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be the name of a Python project: letters, digits, `-`, `_` and `.` are allowed, with a letter or digit at each end"
)]
pub struct NameError(String);

impl ProjectName {
    /// Reads a name in any spelling and normalises it.
    ///
    /// # Errors
    /// When the text cannot be a project's name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match Ecosystem::Pypi.normalise(text) {
            Some(name) => Ok(Self(name.into_boxed_str())),
            None => Err(NameError(shown(text))),
        }
    }

    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The project as a package URL, without a version.
    pub fn purl(&self) -> Purl {
        Purl::project(Ecosystem::Pypi, &self.0).expect("invariant: a normalised name is a name")
    }

    /// Whether a name in any spelling is this project's.
    pub(super) fn is_spelled(&self, text: &str) -> bool {
        // No allocation: this runs for every file of a page, some of which list thousands.
        let mut wanted = self.0.bytes();
        let mut in_run = false;
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        if !edge(text.as_bytes().first()) || !edge(text.as_bytes().last()) {
            return false;
        }
        for byte in text.bytes() {
            let separator = matches!(byte, b'-' | b'_' | b'.');
            if separator && in_run {
                continue;
            }
            in_run = separator;
            let normal = if separator { b'-' } else { byte.to_ascii_lowercase() };
            if wanted.next() != Some(normal) {
                return false;
            }
        }
        wanted.next().is_none()
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hostile text, made safe to stand in a message: control characters escaped, cut to 80 characters.
pub(super) fn shown(text: &str) -> String {
    escaped(text, 80)
}

/// Escapes what a terminal or a log would obey instead of print.
pub(super) fn escaped(text: &str, longest: usize) -> String {
    let mut out = String::with_capacity(text.len().min(longest));
    for char in text.chars().take(longest) {
        match char {
            '"' | '\'' => out.push(char),
            char => out.extend(char.escape_debug()),
        }
    }
    out
}
