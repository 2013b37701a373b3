//! What is known of a value: its constant, the dotted name it stands for, and where it came from.

use std::rc::Rc;

use super::ast::Sym;
use crate::behaviour::Sources;

/// Stands for the unknown parts of a text that is known in part.
pub(super) const HOLE: char = '\u{fffc}';

/// A value.
#[derive(Debug, Clone)]
pub(super) struct Val {
    pub(super) kind: Kind,
    pub(super) from: Sources,
}

/// The shape of a value.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Unknown,
    /// A text; [`HOLE`] stands for what is not known of it.
    Str(Rc<str>),
    Bytes(Rc<[u8]>),
    Int(i128),
    Bool(bool),
    None,
    /// A list or tuple.
    List(Rc<Vec<Val>>),
    Dict(Rc<Vec<(Val, Val)>>),
    /// A module, function or class of which the name is known: `os.system`.
    Path(Rc<str>),
    /// What a call of that name gave, and its noun (a path, a URL).
    Made(Rc<str>, Option<Rc<str>>),
    /// A function of this file: source, definition, and the class it was taken from.
    Func(u32, u32),
    /// A class of this file, by its number among all that were seen.
    Class(u32),
    /// An instance of it.
    Instance(u32),
}

impl Val {
    pub(super) const fn new(kind: Kind, from: Sources) -> Self {
        Self { kind, from }
    }

    pub(super) const fn unknown(from: Sources) -> Self {
        Self { kind: Kind::Unknown, from }
    }

    pub(super) fn text(text: &str, from: Sources) -> Self {
        Self { kind: Kind::Str(text.into()), from }
    }

    pub(super) fn path(path: &str) -> Self {
        Self { kind: Kind::Path(path.into()), from: Sources::NONE }
    }

    pub(super) fn list(items: Vec<Self>, from: Sources) -> Self {
        let from = items.iter().fold(from, |from, item| from.with(item.from));
        Self { kind: Kind::List(Rc::new(items)), from }
    }

    /// The same, from there too.
    pub(super) fn with(mut self, from: Sources) -> Self {
        self.from = self.from.with(from);
        self
    }

    /// A text that is known in part or whole.
    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Str(text) => Some(text),
            _ => None,
        }
    }

    /// A text that is known in whole.
    pub(super) fn constant_str(&self) -> Option<&str> {
        self.as_str().filter(|text| !text.contains(HOLE))
    }

    /// Bytes, or the text's, where known in whole.
    pub(super) fn constant_bytes(&self) -> Option<&[u8]> {
        match &self.kind {
            Kind::Bytes(bytes) => Some(bytes),
            _ => self.constant_str().map(str::as_bytes),
        }
    }

    pub(super) fn as_int(&self) -> Option<i128> {
        match self.kind {
            Kind::Int(number) => Some(number),
            Kind::Bool(truth) => Some(i128::from(truth)),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text for messages: a command line, a URL, a path. Lists are joined as command lines are.
    pub(super) fn noun(&self) -> Option<Rc<str>> {
        match &self.kind {
            Kind::Str(text) => Some(Rc::clone(text)),
            Kind::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into()),
            Kind::Path(path) if &**path == "sys.executable" => Some("python".into()),
            Kind::Made(_, noun) => noun.clone(),
            Kind::Int(number) => Some(number.to_string().into()),
            Kind::List(items) => {
                let mut text = String::new();
                for item in items.iter().take(64) {
                    if !text.is_empty() {
                        text.push(' ');
                    }
                    match item.noun() {
                        Some(noun) => text.push_str(&noun),
                        None => text.push(HOLE),
                    }
                    if text.len() > 8_192 {
                        break;
                    }
                }
                Some(text.into())
            }
            _ => None,
        }
    }
}

/// An argument of a call.
#[derive(Debug, Clone)]
pub(super) struct Arg {
    /// The keyword; `None` for a positional one.
    pub(super) name: Option<Sym>,
    pub(super) value: Val,
    /// The variable that was given, if it was a plain one: what a call does to its argument is known of the variable.
    pub(super) variable: Option<Sym>,
}
