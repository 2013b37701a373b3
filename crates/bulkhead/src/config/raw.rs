//! The TOML as written: a walk that remembers lines and reports every mistake instead of stopping at the first.
//!
//! Serde's derive stops at the first unknown key; an operator wants the whole list. So a section hands out its keys
//! one by one, and whatever nobody asked for is unknown.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;

/// The mistakes so far, and what is needed to say where they are.
pub(super) struct Report<'a> {
    file: &'a Path,
    text: &'a str,
    /// With their offsets, to sort by.
    errors: Vec<(usize, ConfigError)>,
    /// Lines that are not TOML: what the parser made of their values is not worth a second complaint.
    broken: Vec<usize>,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        Self { file, text, errors: Vec::new(), broken: Vec::new() }
    }

    /// Notes a mistake at a byte offset of the text.
    pub(super) fn add(&mut self, offset: usize, message: impl Into<String>, hint: impl Into<String>) {
        let line = self.line(offset);
        if !self.broken.contains(&line) {
            let (file, message, hint) = (self.file.to_owned(), message.into(), hint.into());
            self.errors.push((offset, ConfigError { file, line, message, hint }));
        }
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    /// The mistakes in the order of the file.
    pub(super) fn into_errors(mut self) -> Vec<ConfigError> {
        self.errors.sort_by_key(|(offset, _)| *offset);
        self.errors.into_iter().map(|(_, error)| error).collect()
    }
}

/// Parses the text; syntax errors go to the report and the readable rest is still walked.
pub(super) fn parse<'t>(text: &'t str, report: &mut Report<'_>) -> Section<'t> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let offset = error.span().map_or(0, |span| span.start);
        report.add(offset, format!("not TOML: {}", error.message()), "");
        report.broken.push(report.line(offset));
    }
    Section { path: String::new(), table: Some(root.into_inner()), asked: Vec::new() }
}

/// One table of the file; an absent one behaves as an empty one.
pub(super) struct Section<'t> {
    path: String,
    table: Option<DeTable<'t>>,
    asked: Vec<&'static str>,
}

/// One value with the offset at which it stands.
pub(super) struct Item<'t> {
    /// The full key, for messages.
    pub(super) key: String,
    /// The value's byte offset.
    pub(super) at: usize,
    value: DeValue<'t>,
}

impl<'t> Section<'t> {
    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Takes a value out.
    pub(super) fn item(&mut self, key: &'static str) -> Option<Item<'t>> {
        self.asked.push(key);
        let full = self.full(key);
        let value: Spanned<DeValue<'t>> = self.table.as_mut()?.remove(key)?;
        Some(Item { key: full, at: value.span().start, value: value.into_inner() })
    }

    /// Takes a table out.
    pub(super) fn section(&mut self, key: &'static str, report: &mut Report<'_>) -> Self {
        let path = self.full(key);
        let table = self.item(key).and_then(|item| match item.value {
            DeValue::Table(table) => Some(table),
            other => {
                report.add(item.at, format!("`{path}` is {}", kind(&other)), format!("write it as a table: [{path}]"));
                None
            }
        });
        Self { path, table, asked: Vec::new() }
    }

    /// Reports what nobody asked for. Must be called last.
    pub(super) fn finish(self, report: &mut Report<'_>) {
        for (key, _) in self.table.iter().flatten() {
            let name: &str = key.get_ref();
            let hint = match closest(name, &self.asked) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", self.asked.join(", ")),
            };
            report.add(key.span().start, format!("unknown key `{}`", self.full(name)), hint);
        }
    }
}

impl Item<'_> {
    /// The string, or a note in the report.
    pub(super) fn text(&self, report: &mut Report<'_>) -> Option<String> {
        if let Some(text) = self.value.as_str() {
            return Some(text.to_owned());
        }
        report.add(self.at, format!("`{}` is {}", self.key, kind(&self.value)), "write a string in quotes");
        None
    }

    /// The strings of a list with their offsets, or a note in the report.
    pub(super) fn texts(&self, report: &mut Report<'_>) -> Vec<(usize, String)> {
        let Some(array) = self.value.as_array() else {
            let hint =
                format!("write a list of strings: {} = [\"...\"]", self.key.rsplit('.').next().unwrap_or_default());
            report.add(self.at, format!("`{}` is {}", self.key, kind(&self.value)), hint);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for value in array.iter() {
            match value.get_ref().as_str() {
                Some(text) => texts.push((value.span().start, text.to_owned())),
                None => report.add(
                    value.span().start,
                    format!("`{}` holds {}", self.key, kind(value.get_ref())),
                    "write strings in quotes",
                ),
            }
        }
        texts
    }

    /// The string, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        self.value.as_str()
    }

    /// The integer, if it is one and not negative.
    pub(super) fn integer(&self) -> Option<u64> {
        let number = self.value.as_integer()?;
        u64::from_str_radix(number.as_str(), number.radix()).ok()
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The known key at most two edits away; typing errors are that small.
fn closest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let near = |key: &&&'k str| distance(name, key);
    known.iter().filter(|key| distance(name, key) <= 2).min_by_key(near).copied()
}

/// Levenshtein distance over bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.bytes().enumerate() {
            let cost = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}
