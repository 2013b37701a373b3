//! What could be learned about a resource, and what could not.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The value of an attribute, as policy sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Not known, or not applicable.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number: counts, bytes, seconds.
    Int(i64),
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<String>> From<Vec<T>> for Value {
    fn from(list: Vec<T>) -> Self {
        Self::List(list.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// How bad it would be if the finding is what it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Odd.
    Low,
    /// Should be looked at.
    Medium,
    /// Would be refused by most.
    High,
    /// Code of somebody else runs, or readers of the archive are deceived.
    Critical,
}

impl Severity {
    /// The word used in policy and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How sure the detector is that it saw what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// A pattern.
    Low,
    /// Several signs.
    Medium,
    /// A fact of the bytes.
    High,
}

impl Confidence {
    /// The word used in policy and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// When the code that a finding is about would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingContext {
    /// The archive as such, no code.
    Archive,
    /// While the package is installed or built.
    Install,
    /// At every start of the interpreter.
    Startup,
    /// When the package is imported.
    Import,
    /// When something in it is called.
    Call,
    /// When a model is loaded.
    Load,
}

impl FindingContext {
    /// The word used in policy and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Install => "install",
            Self::Startup => "startup",
            Self::Import => "import",
            Self::Call => "call",
            Self::Load => "load",
        }
    }
}

/// Where in an archive a finding is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// Member path inside the archive, control characters escaped.
    pub path: String,
    /// Line, from 1, when the member is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// One thing that a detector saw in content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The detector's stable id, kebab-case (`executable-pth`).
    pub detector: String,
    /// One sentence: what was seen, with the noun.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// When it would run.
    pub context: FindingContext,
    /// Where, when it is in one place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// A short excerpt, control characters escaped, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

/// A source that could not say. Unknown is a value: policy decides what it means (invariant 4).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unknown {
    /// The source's id, kebab-case (`upload-time`).
    pub source: String,
    /// Why it could not say.
    pub why: String,
}

/// Everything gathered about one resource, before it is judged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Attributes by dotted name, `group.name` (see [`crate::policy::schema`] for all of them).
    pub attributes: BTreeMap<String, Value>,
    /// What detectors saw in the content.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What could not be learned.
    #[serde(default)]
    pub unknowns: Vec<Unknown>,
}

impl Facts {
    /// Facts with nothing in them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one attribute, `group.name`.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.attributes.insert(name.to_owned(), value.into());
    }

    /// Notes that a source could not say, and why.
    pub fn unknown(&mut self, source: &str, why: impl Into<String>) {
        self.unknowns.push(Unknown { source: source.to_owned(), why: why.into() });
    }

    /// The attribute, when it was gathered.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.attributes.get(name)
    }
}
