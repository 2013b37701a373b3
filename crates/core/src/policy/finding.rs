//! A finding as a value of CEL: its fields are read where they are, so that looking into it copies nothing.

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{CelNull, CelString, Type};
use cel::common::value::{CowVal, Val};

use crate::Finding;

static FINDING: Type = Type::new_unspecified_type("finding");

/// A finding in the list `findings`.
#[derive(Debug, Clone, Copy)]
pub(super) struct CelFinding<'a>(pub(super) &'a Finding);

/// A field of a finding, as rules and templates name it: nothing when there is no such field, null when it has no value.
pub(super) fn field<'a>(finding: &'a Finding, name: &str) -> Option<Option<&'a str>> {
    Some(match name {
        "detector" => Some(finding.detector.as_str()),
        "title" => Some(finding.title.as_str()),
        "severity" => Some(finding.severity.as_str()),
        "confidence" => Some(finding.confidence.as_str()),
        "context" => Some(finding.context.as_str()),
        "path" => finding.location.as_ref().map(|location| location.path.as_str()),
        _ => return None,
    })
}

impl<'a> CelFinding<'a> {
    fn at(self, index: &dyn Val) -> Result<CowVal<'a, 'a>, ExecutionError> {
        let name = index.downcast_ref::<CelString<'_>>().map(CelString::inner).unwrap_or_default();
        match field(self.0, name) {
            Some(Some(text)) => Ok(CowVal::owned(CelString::from(text))),
            Some(None) => Ok(CowVal::Borrowed(&CelNull)),
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
