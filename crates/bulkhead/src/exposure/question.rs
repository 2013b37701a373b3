//! What is asked.

use bulkhead_core::{Code, Problem, Purl, Sha256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the question is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", content = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Subject {
    /// A package release, or every release of a project.
    Release(Purl),
    /// A file: an archive, one inside an archive, or what a build made.
    File(Sha256),
    /// A network host that runs contacted.
    HostContacted(String),
    /// A secret.
    Secret(String),
    /// A dataset.
    Dataset(String),
    /// Somebody who holds a token.
    Principal(String),
}

/// A question, with all that the answer depends on beside the entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// About what.
    pub subject: Subject,
    /// Only from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// When it was asked: what goes on then is exposed until then.
    pub asked: Timestamp,
    /// When the breach became known, from which the 72 hours of GDPR article 33 run.
    pub aware: Timestamp,
    /// Who asked.
    pub by: String,
}

impl Question {
    /// Checks what cannot be answered.
    ///
    /// # Errors
    /// When the times are reversed, or a name is empty.
    pub fn check(&self) -> Result<(), Problem> {
        let wrong = |why: String, help: &str| Err(Problem::new(Code::BadRequest, why).with_help(help));
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return wrong(format!("the window ends ({to}) before it begins ({from})"), "write --between EARLIER LATER");
        }
        if self.from.is_some_and(|from| from > self.asked) {
            return wrong("the window begins after now".to_owned(), "nothing is recorded of the future");
        }
        match &self.subject {
            Subject::HostContacted(name)
            | Subject::Secret(name)
            | Subject::Dataset(name)
            | Subject::Principal(name)
                if name.trim().is_empty() =>
            {
                wrong("the name is empty".to_owned(), "name a host, secret, dataset or principal")
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Release(purl) => write!(f, "{purl}"),
            Self::File(digest) => write!(f, "file sha256:{digest}"),
            Self::HostContacted(host) => write!(f, "network host {host}"),
            Self::Secret(name) => write!(f, "secret {name}"),
            Self::Dataset(name) => write!(f, "dataset {name}"),
            Self::Principal(name) => write!(f, "principal {name}"),
        }
    }
}
