//! Reading TOML tables key by key: wrong types, missing keys and unknown keys all become diagnostics.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Report, one_of};

/// One table of a policy file while it is read. Keys that nobody asked for are errors at the end.
pub(super) struct Fields<'t, 'r, 'x> {
    table: &'t DeTable<'t>,
    /// Where the table begins.
    pub(super) at: usize,
    /// How errors begin: "rule `x`".
    pub(super) noun: String,
    asked: Vec<&'static str>,
    pub(super) report: &'r mut Report<'x>,
}

/// A text with its place in the file.
#[derive(Debug, Clone)]
pub(super) struct Located {
    pub(super) text: String,
    span: Range<usize>,
    /// Where the first character of the text is, when the file has the text as it is (no escapes).
    inner: Option<usize>,
}

impl Located {
    /// The place in the file of a byte offset within the text.
    pub(super) fn at(&self, offset: usize) -> usize {
        self.inner.map_or(self.span.start, |inner| inner + offset)
    }

    pub(super) fn start(&self) -> usize {
        self.span.start
    }
}

impl<'t, 'r, 'x> Fields<'t, 'r, 'x> {
    pub(super) fn new(table: &'t DeTable<'t>, at: usize, noun: impl Into<String>, report: &'r mut Report<'x>) -> Self {
        Self { table, at, noun: noun.into(), asked: Vec::new(), report }
    }

    /// The value under a key, when the file has it.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.push(key);
        self.table.iter().find(|(known, _)| known.get_ref() == key).map(|(_, value)| value)
    }

    /// The text under a key, when the file has it.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Located> {
        let value = self.value(key)?;
        let located = located(value, self.report.text());
        if located.is_none() {
            self.error(value.span().start, format!("`{key}` must be a text"), None);
        }
        located
    }

    /// The text under a key that must be there and must not be blank.
    pub(super) fn wanted(&mut self, key: &'static str, hint: &str) -> Option<Located> {
        let absent = !self.table.iter().any(|(known, _)| known.get_ref() == key);
        if absent {
            self.asked.push(key);
            self.error(self.at, format!("`{key}` is missing"), Some(hint.to_owned()));
            return None;
        }
        let found = self.text(key)?;
        if found.text.trim().is_empty() {
            self.error(found.start(), format!("`{key}` is empty"), Some(hint.to_owned()));
            return None;
        }
        Some(found)
    }

    /// One of a few words under a key.
    pub(super) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let found = self.text(key)?;
        self.pick(key, &found, words)
    }

    /// The meaning of a word that must be one of a few.
    pub(super) fn pick<T: Copy>(&mut self, key: &str, found: &Located, words: &[(&'static str, T)]) -> Option<T> {
        let meaning = words.iter().find(|(word, _)| *word == found.text).map(|(_, meaning)| *meaning);
        if meaning.is_none() {
            let hint = one_of(&found.text, words.iter().map(|(word, _)| *word));
            self.error(found.start(), format!("`{}` is no {key}", found.text), hint);
        }
        meaning
    }

    /// A list of texts under a key, when the file has it.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<Located>> {
        let value = self.value(key)?;
        let items = value
            .get_ref()
            .as_array()
            .map(|array| array.iter().map(|item| located(item, self.report.text())).collect::<Option<Vec<_>>>());
        let texts = items.flatten();
        if texts.is_none() {
            self.error(
                value.span().start,
                format!("`{key}` must be a list of texts"),
                Some(format!("{key} = [\"...\"]")),
            );
        }
        texts
    }

    pub(super) fn error(&mut self, at: usize, what: impl AsRef<str>, hint: Option<String>) {
        self.report.error(at, format!("{}: {}", self.noun, what.as_ref()), hint);
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self) {
        for (key, _) in self.table {
            if !self.asked.contains(&key.get_ref().as_ref()) {
                let hint = one_of(key.get_ref(), self.asked.iter().copied());
                self.report.error(key.span().start, format!("{}: unknown key `{}`", self.noun, key.get_ref()), hint);
            }
        }
    }
}

fn located(value: &Spanned<DeValue<'_>>, file: &str) -> Option<Located> {
    let text = value.get_ref().as_str()?.to_owned();
    let span = value.span();
    let raw = file.get(span.clone()).unwrap_or_default();
    let fence = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
    // TOML drops a line break right after the opening of a multi-line text.
    let body = raw.get(fence..).unwrap_or_default();
    let skipped = if fence == 3 {
        body.len() - body.trim_start_matches('\r').strip_prefix('\n').unwrap_or(body).len()
    } else {
        0
    };
    let inner = body.get(skipped..).is_some_and(|body| body.starts_with(&text)).then_some(span.start + fence + skipped);
    Some(Located { text, span, inner })
}
