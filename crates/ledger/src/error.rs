//! What can go wrong with a ledger on disk, with the file that it went wrong at.

use std::io;
use std::sync::Arc;

use crate::checkpoint::CheckpointError;
use crate::entry::EntryError;
use crate::key::Origin;
use crate::merkle::OutOfRange;

/// A ledger cannot be opened, read or appended to. It is `Clone` because one failed write answers a whole batch.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// The system refused a file operation. Appending is tried again with the next entry, so it recovers when, for
    /// instance, space returns.
    #[error("ledger: cannot {operation} {path}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file, relative to the ledger's folder.
        path: String,
        /// Why it failed.
        #[source]
        source: Arc<io::Error>,
    },
    /// A file does not hold what the ledger put there. Never repaired, never skipped: a person must look at it.
    #[error("ledger file {path} is damaged at byte {offset}: {what}")]
    Corrupt {
        /// The file, relative to the ledger's folder.
        path: String,
        /// The byte at which it is seen.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// Another process has the ledger open.
    #[error("the ledger is in use by another process")]
    InUse,
    /// The checkpoint is not one of this log and key.
    #[error("ledger: {0}")]
    Checkpoint(Arc<CheckpointError>),
    /// The folder holds the ledger of another log.
    #[error("the ledger's checkpoint names the log `{found}`, this one is configured as `{wanted}`")]
    OtherLog {
        /// The configured name.
        wanted: Origin,
        /// The name found.
        found: Origin,
    },
    /// The trusted place holds a head that this writer did not put there.
    #[error(
        "the ledger's trusted head was changed by another writer, so this one stops instead of forking the log.          Find out which folder is the newest before you start again"
    )]
    OtherWriter,
    /// Nobody can tell which head the trusted place holds.
    #[error(
        "it is not known whether the ledger's new head was kept, so the ledger stops instead of forking the log:          {source}. Mend the disk and start again; start reads what is there"
    )]
    UnknownHead {
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// The trusted place holds no head, and the folder holds a ledger.
    #[error("the ledger's trusted head is missing, though the folder holds a ledger")]
    NoHead,
    /// The trusted place and the folder do not belong together.
    #[error("the ledger's folder and its trusted head do not belong together: {0}")]
    Head(String),
    /// The entry cannot be written.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// More entries are waiting than may.
    #[error("the ledger is overloaded: {0} entries wait to be written")]
    Overloaded(usize),
    /// The ledger was closed.
    #[error("the ledger is closed")]
    Closed,
    /// A proof was asked for that cannot exist.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
}

impl LedgerError {
    pub(crate) fn io(operation: &'static str, path: &str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { operation, path, source: Arc::new(source) }
    }

    pub(crate) fn corrupt(path: &str, offset: usize, what: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), offset: offset as u64, what: what.into() }
    }

    pub(crate) fn unknown_head(source: io::Error) -> Self {
        Self::UnknownHead { source: Arc::new(source) }
    }

    /// Whether trying again later cannot help.
    pub fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::Corrupt { .. }
                | Self::Checkpoint(_)
                | Self::OtherLog { .. }
                | Self::OtherWriter
                | Self::UnknownHead { .. }
                | Self::NoHead
                | Self::Head(_)
        )
    }
}

impl From<CheckpointError> for LedgerError {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(Arc::new(error))
    }
}
