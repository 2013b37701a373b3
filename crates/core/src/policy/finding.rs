//! A finding as a value of CEL: its fields are read where they are, so that looking into it copies nothing.

use std::borrow::Cow;

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{CelString, Type};
use cel::common::value::{CowVal, Val};

use crate::Finding;

use super::scope::Seen;

static FINDING: Type = Type::new_unspecified_type("finding");

/// A finding in the list `findings`.
#[derive(Debug, Clone, Copy)]
pub(super) struct CelFinding<'a>(pub(super) &'a Finding);

/// A field of a finding, as rules and templates name it: nothing when there is no such field, null when it has no value.
pub(super) fn field<'a>(finding: &'a Finding, name: &str) -> Option<Seen<'a>> {
    let text = |text: &'a str| Seen::Text(Cow::Borrowed(text));
    let location = finding.location.as_ref();
    Some(match name {
        "detector" => text(&finding.detector),
        "title" => text(&finding.title),
        "severity" => text(finding.severity.as_str()),
        "confidence" => text(finding.confidence.as_str()),
        "context" => text(finding.context.as_str()),
        "path" => location.map_or(Seen::Null, |location| text(&location.path)),
        "line" => location.and_then(|location| location.line).map_or(Seen::Null, |line| Seen::Int(line.into())),
        "place" => location.map_or(Seen::Null, |location| match location.line {
            Some(line) => Seen::Text(Cow::Owned(format!("{}:{line}", location.path))),
            None => text(&location.path),
        }),
        "excerpt" => finding.excerpt.as_deref().map_or(Seen::Null, text),
        _ => return None,
    })
}

impl<'a> CelFinding<'a> {
    fn at(self, index: &dyn Val) -> Result<CowVal<'a, 'a>, ExecutionError> {
        let name = index.downcast_ref::<CelString<'_>>().map(CelString::inner).unwrap_or_default();
        match field(self.0, name) {
            Some(seen) => Ok(seen.into_cel()),
            None => Err(ExecutionError::no_such_key(name)),
        }
    }
}

impl Val for CelFinding<'_> {
    fn get_type(&self) -> &Type {
        &FINDING
    }

    fn cel_type() -> &'static Type {
        &FINDING
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

impl Indexer for CelFinding<'_> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.at(index)
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.at(index).map(CowVal::into_owned)
    }
}
