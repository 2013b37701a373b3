//! The small trusted place: the newest signed checkpoint, compared and swapped, apart from entries and tiles.
//!
//! Entries and tiles may lie anywhere and may be restored from a backup; whoever does that to this one file too forks
//! the log. So it is small, it is kept somewhere else, and it is changed only from the value that the writer has signed
//! before (the rule that sunlight taught). A writer that finds another value there is not the only one, and stops.

use std::io;
use std::sync::Arc;

use crate::backend::Backend;

#[cfg(test)]
mod tests;

/// A place for one checkpoint.
pub trait HeadStore: Send + Sync {
    /// What is there; nothing before the first swap.
    ///
    /// # Errors
    /// When that cannot be told.
    fn load(&self) -> io::Result<Option<Vec<u8>>>;

    /// Puts `new` there, durably, if `old` is what is there. Nobody else's swap comes between the two.
    ///
    /// # Errors
    /// When it may or may not have happened; [`HeadStore::load`] then says which.
    fn swap(&self, old: Option<&[u8]>, new: &[u8]) -> io::Result<Swap>;
}

/// What came of a swap that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap {
    /// The new value is there.
    Done,
    /// Another value than the old one was there, and still is.
    Other,
}

/// A head in a file of a folder. The lock beside it makes the comparison and the write one step between processes.
pub struct FileHead {
    backend: Arc<dyn Backend>,
    path: String,
}

impl FileHead {
    /// The head in that file.
    pub fn new(backend: Arc<dyn Backend>, path: impl Into<String>) -> Self {
        Self { backend, path: path.into() }
    }
}

impl HeadStore for FileHead {
    fn load(&self) -> io::Result<Option<Vec<u8>>> {
        self.backend.read(&self.path)
    }

    fn swap(&self, old: Option<&[u8]>, new: &[u8]) -> io::Result<Swap> {
        let _lock = self.backend.lock(&format!("{}.lock", self.path))?;
        if self.backend.read(&self.path)?.as_deref() != old {
            return Ok(Swap::Other);
        }
        self.backend.replace(&[(self.path.clone(), new.to_vec())])?;
        Ok(Swap::Done)
    }
}
