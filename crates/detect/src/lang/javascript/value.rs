//! What is known of a value while code is read: its name, its text, where it came from, what it runs.

use std::rc::Rc;

use crate::behaviour::Sources;

/// Elements of an array, which have no name, or the named parts of an object.
pub(super) type Parts = Rc<Vec<(Rc<str>, Value)>>;

/// A value. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Value {
    /// The name of what it is: `child_process.exec`, `process.env`; `#x` for a local object, `@./lib` for another file's.
    pub(super) path: Option<Rc<str>>,
    /// Its text, pieces that are not known as `?`.
    pub(super) text: Option<Rc<str>>,
    /// Whether all of the text is known.
    pub(super) exact: bool,
    /// Where it came from.
    pub(super) from: Sources,
    /// The unit that calling it runs.
    pub(super) unit: Option<usize>,
    /// The elements of an array, the named parts of an object.
    pub(super) items: Option<Parts>,
    pub(super) number: Option<f64>,
    /// Whether it is an array literal.
    pub(super) list: bool,
}

/// Bytes of a text up to which it is put together.
pub(super) const FOLD: usize = 64 << 10;
/// Elements of an array or object that are kept.
pub(super) const ITEMS: usize = 512;

impl Value {
    pub(super) fn from(from: Sources) -> Self {
        Self { from, ..Self::default() }
    }

    pub(super) fn path(path: impl Into<Rc<str>>) -> Self {
        Self { path: Some(path.into()), ..Self::default() }
    }

    pub(super) fn text(text: impl Into<Rc<str>>) -> Self {
        Self { text: Some(text.into()), exact: true, from: Sources::LITERAL, ..Self::default() }
    }

    pub(super) fn taint(mut self, from: Sources) -> Self {
        self.from = self.from.with(from);
        self
    }

    pub(super) fn named(&self) -> &str {
        self.path.as_deref().unwrap_or_default()
    }

    pub(super) fn shown(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// The text, when all of it is known.
    pub(super) fn known(&self) -> Option<&str> {
        self.text.as_deref().filter(|_| self.exact)
    }

    pub(super) fn part(&self, name: &str) -> Option<&Self> {
        self.items.as_ref()?.iter().find(|(key, _)| &**key == name).map(|(_, value)| value)
    }

    /// Where it and its parts came from.
    pub(super) fn all_from(&self) -> Sources {
        self.items.iter().flat_map(|items| items.iter()).fold(self.from, |from, (_, value)| from.with(value.from))
    }

    /// Two pieces of text in a row.
    pub(super) fn join(&self, other: &Self) -> Self {
        let from = self.from.with(other.from);
        let piece = |value: &Self| value.text.clone().or_else(|| value.number.map(|number| number.to_string().into()));
        let (left, right) = (piece(self), piece(other));
        if left.is_none() && right.is_none() {
            return Self::from(from);
        }
        let exact = left.is_some()
            && right.is_some()
            && (self.exact || self.number.is_some())
            && (other.exact || other.number.is_some());
        let (left, right) = (left.unwrap_or_else(|| "?".into()), right.unwrap_or_else(|| "?".into()));
        if left.len() + right.len() > FOLD {
            return Self { text: Some(left), exact: false, from, ..Self::default() };
        }
        Self { text: Some(format!("{left}{right}").into()), exact, from, ..Self::default() }
    }
}
