//! Exceptions: who took which rule's weight away, from what, why, and until when (invariant 9).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Ask, Purl, PurlError, Sha256, Verdict};

use super::glob::Glob;

/// One exception, from the policy file or made by review.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Exception {
    /// Its name in verdicts. From a file: the `id` given, or `rule:subject`.
    pub id: String,
    /// The rule whose weight it takes away.
    pub rule: String,
    /// What it is for.
    pub subject: Subject,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The first moment at which it has no effect any more.
    pub expires: Timestamp,
}

impl Exception {
    /// Whether it takes that rule's weight away from that ask now.
    pub fn covers(&self, rule: &str, ask: &Ask, now: Timestamp) -> bool {
        self.rule == rule && now < self.expires && self.subject.covers(ask)
    }
}

/// What an exception is for: a project, a release, releases of a pattern, or one file by digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// `pkg:pypi/foo`, `pkg:pypi/foo@1.2`, `pkg:pypi/foo@1.*`.
    Package {
        /// The project.
        project: Purl,
        /// The version, `*` standing for any characters; nothing means every version.
        version: Option<String>,
    },
    /// `sha256:<64 hexadecimal digits>`.
    File(Sha256),
}

/// The text names nothing that an exception can be for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the subject of an exception: {why}")]
pub struct SubjectError {
    text: String,
    why: String,
}

impl Subject {
    /// Whether the ask is about it.
    pub fn covers(&self, ask: &Ask) -> bool {
        match self {
            Self::File(digest) => ask.resource.digest == Some(*digest),
            Self::Package { project, version } => {
                let Some(purl) = &ask.resource.purl else { return false };
                let same = purl.ecosystem() == project.ecosystem() && purl.name() == project.name();
                let fits = |wanted: &String| purl.version().is_some_and(|given| Glob::new(wanted).matches(given));
                same && version.as_ref().is_none_or(fits)
            }
        }
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    /// Reads `sha256:<hex>` or a package URL whose version may hold `*`.
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let wrong = |why: String| SubjectError { text: text.chars().take(120).collect(), why };
        if let Some(digits) = text.strip_prefix("sha256:") {
            return digits.parse().map(Self::File).map_err(|_| wrong("64 hexadecimal digits are wanted".to_owned()));
        }
        let purl: Purl = text.parse().map_err(|error: PurlError| match error {
            PurlError::Name { .. } if text.contains('*') => wrong("`*` may stand in the version only".to_owned()),
            PurlError::Shape(_) => {
                wrong("write pkg:pypi/NAME, pkg:pypi/NAME@VERSION, pkg:pypi/NAME@1.* or sha256:DIGEST".to_owned())
            }
            other => wrong(other.to_string()),
        })?;
        let project = Purl::project(purl.ecosystem(), purl.name()).map_err(|error| wrong(error.to_string()))?;
        Ok(Self::Package { project, version: purl.version().map(str::to_owned) })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(digest) => write!(f, "sha256:{digest}"),
            Self::Package { project, version: None } => project.fmt(f),
            // `*` is written as it is, so that the text is what a person typed.
            Self::Package { project, version: Some(version) } => {
                f.write_str(&project.at(version.as_str()).to_string().replace("%2A", "*"))
            }
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Which exceptions were used. The caller notes every verdict here, and learns from
/// [`super::Policy::unmatched_exceptions`] which ones protect nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExceptionUse(BTreeSet<String>);

impl ExceptionUse {
    /// Notes the exceptions that a verdict rests on. True when one of them was not noted before.
    pub fn note(&mut self, verdict: &Verdict) -> bool {
        let before = self.0.len();
        self.0.extend(verdict.reasons.iter().filter_map(|reason| reason.excepted_by.clone()));
        self.0.len() > before
    }

    /// Whether the exception with this id was used.
    pub fn used(&self, id: &str) -> bool {
        self.0.contains(id)
    }
}
