//! What can go wrong with the store, classed by what the operator can do about it.

use std::path::PathBuf;

use bulkhead_core::{Code, EntryIndex, Problem};

/// What the layer below says of it.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The store could not do what was asked; it has changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space. Reading goes on; writing works again when there is space.
    #[error("the disk that holds {} is full", path.display())]
    Full {
        /// The database file.
        path: PathBuf,
        /// The database's own words.
        #[source]
        cause: Cause,
    },
    /// The file is not a database, or its pages contradict each other.
    #[error("the database {} is damaged ({cause}); stop the server and run `bulkhead ledger rebuild`", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// The database's own words.
        #[source]
        cause: Cause,
    },
    /// A newer Bulkhead wrote the file: schema versions only go forward.
    #[error("the database {} has schema {found}, and this Bulkhead knows none above {known}: run the newer one", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The file's schema version.
        found: u32,
        /// The newest one that this program knows.
        known: u32,
    },
    /// The file cannot be opened or created.
    #[error("the database {} cannot be opened: {cause}", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// The database's own words.
        #[source]
        cause: Cause,
    },
    /// Entries were offered for projection with one missing in between.
    #[error("entry {expected} was to be projected next, and entry {found} came")]
    Gap {
        /// The index that was due.
        expected: EntryIndex,
        /// The index that came.
        found: EntryIndex,
    },
    /// An entry could not be given to a rebuild.
    #[error("the projections were not made anew, and the old ones stay: an entry cannot be read ({0})")]
    Unread(#[source] Cause),
    /// Anything else that the database refused.
    #[error("the database {} failed to {what}: {cause}", path.display())]
    Failed {
        /// The database file.
        path: PathBuf,
        /// What was attempted, as a verb phrase.
        what: &'static str,
        /// The database's own words.
        #[source]
        cause: Cause,
    },
}

impl StoreError {
    /// Whether space on the disk would help.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }

    /// The shape in which it reaches a person: 503, with what to do.
    pub fn to_problem(&self) -> Problem {
        let help = match self {
            Self::Full { .. } => "free space on that disk: what was permitted before is still served meanwhile",
            Self::Damaged { .. } => "stop the server and run `bulkhead ledger rebuild`",
            Self::Newer { .. } => "run the newer Bulkhead, or restore the data directory of this one",
            Self::Open { .. } => "check the owner and the permissions of the data directory",
            Self::Gap { .. } => "run `bulkhead ledger rebuild`",
            Self::Unread(_) => {
                "run `bulkhead ledger verify`: it names the entry; then restore that ledger from a backup"
            }
            Self::Failed { .. } => "look at the server's log; `bulkhead ledger rebuild` makes the database again",
        };
        Problem::new(Code::StorageUnavailable, self.to_string()).with_help(help)
    }
}
