//! Why the reading of a member, or of the archive, ended.

use std::io;

use crate::structure::Flaw;

/// Reading cannot go on at this place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The medium failed, or the archive ends before a header says so.
    #[error("{}", words(.0))]
    Read(#[from] io::Error),
    /// A flaw of that kind, in words.
    #[error("{1}")]
    Flaw(Flaw, String),
    /// A limit was passed; nothing more is read.
    #[error("{0}")]
    Bomb(String),
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => format!("reading failed: {error}"),
    }
}

impl Fault {
    pub(crate) fn flaw(&self) -> Flaw {
        match self {
            Self::Read(error) if error.kind() == io::ErrorKind::UnexpectedEof => Flaw::Truncated,
            Self::Read(_) => Flaw::Unreadable,
            Self::Flaw(flaw, _) => *flaw,
            Self::Bomb(_) => Flaw::Bomb,
        }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Flaw(Flaw::Corrupt, what.into())
    }

    pub(crate) fn truncated(what: impl Into<String>) -> Self {
        Self::Flaw(Flaw::Truncated, what.into())
    }
}
