//! What is wrong with a policy file, said like a compiler: file, line, what, hint.

use std::fmt;

/// One thing that is wrong with a policy file, or that deserves a second look.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, beginning with the rule or table that it is in.
    pub what: String,
    /// What to write instead, when that can be said.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a policy file, in the order of the file. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyErrors(Vec<Diagnostic>);

impl PolicyErrors {
    /// Each error, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyErrors {}

/// Collects diagnostics about one file, so that all of them are reported at once.
pub(super) struct Report<'a> {
    file: &'a str,
    text: &'a str,
    errors: Vec<(usize, Diagnostic)>,
    warnings: Vec<(usize, Diagnostic)>,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, errors: Vec::new(), warnings: Vec::new() }
    }

    /// The file's own text.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Something that stops the policy from loading, at a byte offset of the text.
    pub(super) fn error(&mut self, at: usize, what: impl Into<String>, hint: Option<String>) {
        let diagnostic = self.locate(at, what.into(), hint);
        self.errors.push((at, diagnostic));
    }

    /// Something that loads but deserves a second look.
    pub(super) fn warning(&mut self, at: usize, what: impl Into<String>, hint: Option<String>) {
        let diagnostic = self.locate(at, what.into(), hint);
        self.warnings.push((at, diagnostic));
    }

    /// The line of a byte offset, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.before(at).matches('\n').count() + 1
    }

    /// The warnings, or every error when there is one.
    pub(super) fn finish(self) -> Result<Vec<Diagnostic>, PolicyErrors> {
        if self.errors.is_empty() { Ok(in_order(self.warnings)) } else { Err(self.failed()) }
    }

    /// The errors, of which the caller knows that there are some.
    pub(super) fn failed(self) -> PolicyErrors {
        PolicyErrors(in_order(self.errors))
    }

    fn locate(&self, at: usize, what: String, hint: Option<String>) -> Diagnostic {
        let before = self.before(at);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[line_start..].chars().count() + 1;
        Diagnostic { file: self.file.to_owned(), line: self.line(at), column, what, hint }
    }

    fn before(&self, at: usize) -> &'a str {
        let mut end = at.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        &self.text[..end]
    }
}

fn in_order(mut found: Vec<(usize, Diagnostic)>) -> Vec<Diagnostic> {
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, diagnostic)| diagnostic).collect()
}

/// "did you mean `x`?" for the nearest of the known words, or nothing when none is near.
pub(super) fn did_you_mean<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<String> {
    nearest(word, known).map(|near| format!("did you mean `{near}`?"))
}

/// The hint for a word that is none of a few: the nearest, or all of them.
pub(super) fn one_of<'w>(word: &str, known: impl IntoIterator<Item = &'w str> + Clone) -> Option<String> {
    did_you_mean(word, known.clone()).or_else(|| {
        let all: Vec<_> = known.into_iter().map(|word| format!("`{word}`")).collect();
        Some(format!("write one of {}", all.join(", ")))
    })
}

fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let lower = word.to_lowercase();
    let reach = (word.chars().count().div_ceil(3)).clamp(1, 3);
    let scored = known.into_iter().map(|candidate| (distance(&lower, candidate), candidate));
    scored.filter(|(distance, _)| *distance <= reach).min().map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters; words are short, so the plain table will do.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, from_char) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to_char) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from_char != *to_char);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}
