//! Files by their content: what was judged is what is served (invariant 3).
//!
//! A file exists under its digest only whole, checked and on the disk. Everything before that lives in `tmp` and is
//! gone when the writer is dropped, or at the next start.

mod folder;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use bulkhead_core::{Code, Problem, Sha256};

pub use folder::FolderBlobs;

/// SHA-256 of bytes in memory.
pub fn sha256(bytes: &[u8]) -> Sha256 {
    from_aws(&digest::digest(&digest::SHA256, bytes))
}

/// The digest that the crypto library computed, as the type that everything else uses.
pub(crate) fn from_aws(digest: &digest::Digest) -> Sha256 {
    Sha256::from_bytes(digest.as_ref().try_into().expect("invariant: SHA-256 has 32 bytes"))
}

/// A store of files by SHA-256. A folder now; an object store for a fleet.
pub trait Blobs: Send + Sync {
    /// Starts a file whose digest is not known yet.
    ///
    /// # Errors
    /// [`BlobError`] when there is no space or no access.
    fn begin(&self) -> Result<Box<dyn BlobWriter>, BlobError>;

    /// Opens a file for reading; nothing when it is not here.
    ///
    /// # Errors
    /// [`BlobError`] when it is here and cannot be opened.
    fn open(&self, digest: &Sha256) -> Result<Option<Blob>, BlobError>;
}

/// A file that is coming in. Dropping it leaves nothing behind.
pub trait BlobWriter: Send {
    /// Appends bytes.
    ///
    /// # Errors
    /// [`BlobError`]; the writer is then of no use but to be dropped.
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError>;

    /// The bytes so far, open for reading only, so that the worker can read a file while it is made durable. What it says counts
    /// only once [`Self::finish`] has found the promised digest.
    ///
    /// # Errors
    /// [`BlobError`] when it cannot be opened.
    fn reader(&self) -> Result<File, BlobError>;

    /// How many bytes came so far.
    fn len(&self) -> u64;

    /// Whether no byte came yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps the file, on the disk before this returns, if it has the expected digest.
    ///
    /// # Errors
    /// [`BlobError::Mismatch`] when it is another file than promised: nothing is kept then.
    fn finish(self: Box<Self>, expected: Sha256) -> Result<Blob, BlobError>;
}

/// A whole file, open for reading from its start.
#[derive(Debug)]
pub struct Blob {
    /// Its digest.
    pub digest: Sha256,
    /// Its length in bytes.
    pub len: u64,
    /// The open file.
    pub file: File,
}

/// A file could not be kept or given.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The bytes are not those that were promised.
    #[error("the file has SHA-256 {found}, and {expected} was promised")]
    Mismatch {
        /// What was promised.
        expected: Sha256,
        /// What came.
        found: Sha256,
    },
    /// No space, or no quota.
    #[error("the disk that holds {} is full", path.display())]
    Full {
        /// The file or folder.
        path: PathBuf,
        /// The system's own words.
        #[source]
        cause: std::io::Error,
    },
    /// Anything else that the file system refused.
    #[error("cannot {what} {}: {cause}", path.display())]
    Failed {
        /// What was attempted, as a verb.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own words.
        #[source]
        cause: std::io::Error,
    },
}

impl BlobError {
    fn new(what: &'static str, path: &Path, cause: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        let path = path.to_owned();
        match cause.kind() {
            StorageFull | QuotaExceeded => Self::Full { path, cause },
            _ => Self::Failed { what, path, cause },
        }
    }

    /// Whether space on the disk would help.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }

    /// The shape in which it reaches a person: 502 for other bytes than promised, else 503.
    pub fn to_problem(&self) -> Problem {
        let (code, help) = match self {
            Self::Mismatch { .. } => (
                Code::UpstreamDigest,
                "nothing was kept; if it happens again, the upstream or a proxy before it alters files",
            ),
            Self::Full { .. } => (
                Code::StorageUnavailable,
                "free space on that disk: what was permitted before is still served meanwhile",
            ),
            Self::Failed { .. } => {
                (Code::StorageUnavailable, "check the owner and the permissions of the data directory")
            }
        };
        Problem::new(code, self.to_string()).with_help(help)
    }
}
