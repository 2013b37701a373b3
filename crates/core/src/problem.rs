//! The one shape in which a refusal or a fault reaches a person: code, title, detail, help (RFC 9457 over HTTP).

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

use crate::{Gate, Verdict, VerdictId};

/// Whose fault it is. The class fixes HTTP status and log level, in one total match each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The request was malformed or asked for something that does not exist.
    Client,
    /// The upstream failed or sent something that cannot be trusted.
    Upstream,
    /// Policy refused.
    Policy,
    /// The disk or the database failed.
    Storage,
    /// Bulkhead itself is wrong.
    Bug,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $blame:ident, $status:literal, $title:literal;)*) => {
        /// A stable code, kebab-case and append-only: the anchor of the docs and of other people's scripts.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
            /// A policy rule refused: `<gate>-<rule>`.
            Rule {
                /// The gate.
                gate: Gate,
                /// The rule's id.
                rule: String,
            },
        }

        impl Code {
            /// Every fixed code: word, HTTP status, title.
            pub const FIXED: &'static [(&'static str, u16, &'static str)] = &[$(($word, $status, $title)),*];

            /// Whose fault it is.
            pub fn blame(&self) -> Blame {
                match self {
                    $(Self::$variant => Blame::$blame,)*
                    Self::Rule { .. } => Blame::Policy,
                }
            }

            /// The HTTP status.
            pub fn status(&self) -> u16 {
                match self {
                    $(Self::$variant => $status,)*
                    Self::Rule { .. } => 403,
                }
            }

            /// The short title that goes with the code.
            pub fn title(&self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                    Self::Rule { .. } => "Refused by policy",
                }
            }
        }

        impl fmt::Display for Code {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($word),)*
                    Self::Rule { gate, rule } => write!(f, "{gate}-{rule}"),
                }
            }
        }
    };
}

codes! {
    /// No such path.
    NotFound = "not-found", Client, 404, "No such path";
    /// The upstream has no such project.
    ProjectNotFound = "project-not-found", Client, 404, "No such project upstream";
    /// The project has no such file.
    FileNotFound = "file-not-found", Client, 404, "No such file in the project";
    /// The request cannot be understood.
    BadRequest = "bad-request", Client, 400, "Request not understood";
    /// The path holds something that no package client sends.
    BadPath = "bad-path", Client, 400, "Path not understood";
    /// The method is not offered here.
    MethodNotAllowed = "method-not-allowed", Client, 405, "Method not allowed";
    /// None of the forms that the client accepts can be served.
    NotAcceptable = "not-acceptable", Client, 406, "No acceptable form";
    /// The requested range lies outside the file.
    RangeNotSatisfiable = "range-not-satisfiable", Client, 416, "Range not satisfiable";
    /// A token is wanted.
    TokenRequired = "token-required", Client, 401, "Token required";
    /// The token is unknown, expired or revoked.
    TokenRefused = "token-refused", Client, 401, "Token refused";
    /// The request is larger than allowed.
    TooLarge = "too-large", Client, 413, "Request too large";
    /// The upstream could not be reached.
    UpstreamUnreachable = "upstream-unreachable", Upstream, 502, "Upstream not reachable";
    /// The upstream did not answer in time.
    UpstreamTimeout = "upstream-timeout", Upstream, 504, "Upstream too slow";
    /// The upstream answered with a status that is neither success nor "not found".
    UpstreamStatus = "upstream-status", Upstream, 502, "Upstream answered with an error";
    /// The upstream's answer is not what it should be.
    UpstreamMalformed = "upstream-malformed", Upstream, 502, "Upstream answer not understood";
    /// The upstream's answer is larger than allowed.
    UpstreamTooLarge = "upstream-too-large", Upstream, 502, "Upstream answer too large";
    /// The upstream's bytes do not have the digest that its index promised.
    UpstreamDigest = "upstream-digest", Upstream, 502, "Upstream file has another digest";
    /// The upstream points to an address that is not allowed.
    UpstreamAddress = "upstream-address", Upstream, 502, "Upstream address not allowed";
    /// The upstream's stated version or name is not the one asked for.
    UpstreamName = "upstream-name", Upstream, 502, "Upstream file is of another release";
    /// No upstream is known.
    UpstreamUnset = "upstream-unset", Upstream, 502, "No upstream configured";
    /// The ledger cannot take an entry, so nothing new is permitted.
    LedgerUnavailable = "ledger-unavailable", Storage, 503, "Ledger cannot record";
    /// The blob store cannot take or give a file.
    StorageUnavailable = "storage-unavailable", Storage, 503, "Storage not available";
    /// The worker that reads archives could not be started.
    WorkerUnavailable = "worker-unavailable", Storage, 503, "Archive worker not available";
    /// Shutting down.
    ShuttingDown = "shutting-down", Storage, 503, "Shutting down";
    /// Bulkhead is wrong.
    Bug = "bug", Bug, 500, "Bulkhead made a mistake";
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What went wrong or was refused, why, and what to do next. Rendered once for CLI, HTTP and console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The stable code.
    pub code: Code,
    /// One line: what.
    pub title: String,
    /// Why, with the nouns.
    pub detail: String,
    /// What to do next; empty when there is nothing to do.
    pub help: String,
    /// The verdict's entry, when one was recorded.
    pub verdict: Option<VerdictId>,
}

impl Problem {
    /// A problem with its code's own title.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let title = code.title().to_owned();
        Self { code, title, detail: detail.into(), help: String::new(), verdict: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The problem that a refusing verdict is to the one who asked. `title` names the resource.
    pub fn refused(gate: Gate, title: impl Into<String>, verdict: &Verdict, id: Option<VerdictId>) -> Self {
        let (rule, detail, help) = match verdict.deciding() {
            Some(reason) => (reason.rule.clone(), reason.text.clone(), reason.help.clone()),
            None => {
                ("default".to_owned(), format!("no rule allows it, and gate {gate} refuses by default"), String::new())
            }
        };
        Self { code: Code::Rule { gate, rule }, title: title.into(), detail, help, verdict: id }
    }

    /// The body of RFC 9457, `application/problem+json`, with the members that Bulkhead adds: code, help, verdict.
    pub fn to_json(&self) -> serde_json::Value {
        let mut body = serde_json::json!({
            "type": format!("urn:bulkhead:problem:{}", self.code),
            "status": self.code.status(),
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "help": self.help,
            // npm prints this member and nothing else.
            "error": format!("{}: {}", self.title, self.detail),
        });
        if let Some(id) = self.verdict {
            body["verdict"] = serde_json::Value::String(id.to_string());
        }
        body
    }
}

impl fmt::Display for Problem {
    /// The terminal's form: `code: title`, the detail, the help, each on its line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.title)?;
        for line in self.detail.lines() {
            write!(f, "\n  {line}")?;
        }
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        if let Some(id) = self.verdict {
            write!(f, "\n  verdict: {id}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
