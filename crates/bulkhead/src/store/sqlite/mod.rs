//! The embedded backend: one SQLite file in WAL mode, one writing connection and a few readers.
//!
//! `synchronous=FULL` for everything that must survive a power cut; caches (pages, reports, feed rows before the flip)
//! commit without waiting for the disk, which in WAL mode can lose them but never damage the file.

mod advisory;
mod connect;
mod estate;
mod graph;
mod page;
mod projection;
mod query;
mod reading;
mod report;
mod seen;
mod store;
mod token;
mod value;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::StoreError;

/// Connections that stay open for reading; more are opened when more threads read at once, and closed after.
const IDLE_READERS: usize = 4;
/// `SQLITE_IOERR_SHMSIZE`: the file beside the WAL could not grow. SQLite does not call that a full disk; it is one.
const SHARED_MEMORY_SIZE: i32 = 4874;

/// The store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    writer: Mutex<Connection>,
    /// Absent for a store in memory, which has a single connection.
    readers: Option<Mutex<Vec<Connection>>>,
    /// One import at a time; held across the many small transactions of one.
    import: Mutex<()>,
    feed_epoch: AtomicU64,
}

impl SqliteStore {
    /// Opens or creates the database and brings its schema up to date. The caller holds the lock on the data directory.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Damaged`] or [`StoreError::Newer`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let writer = connect::writer(path)?;
        Ok(Self::from_parts(path.to_owned(), writer, Some(Mutex::new(Vec::new()))))
    }

    /// A store that is gone with the process, for tests and `policy check`.
    ///
    /// # Errors
    /// [`StoreError::Open`] when there is no memory for it.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self::from_parts(PathBuf::from(":memory:"), connect::memory()?, None))
    }

    /// Moves a damaged database out of the way, with the files beside it, so that the next [`Self::open`] starts a new
    /// one for `bulkhead ledger rebuild`. What no entry can give back (first-seen times, tokens, feeds) stays in the
    /// file that was moved. Returns its new path.
    ///
    /// # Errors
    /// When a file cannot be renamed.
    pub fn set_aside(path: &Path, suffix: &str) -> std::io::Result<PathBuf> {
        let named = |end: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let target = named(&format!(".{suffix}"));
        for end in ["-wal", "-shm"] {
            let beside = named(end);
            if beside.exists() {
                std::fs::rename(beside, named(&format!(".{suffix}{end}")))?;
            }
        }
        std::fs::rename(path, &target)?;
        Ok(target)
    }

    fn from_parts(path: PathBuf, writer: Connection, readers: Option<Mutex<Vec<Connection>>>) -> Self {
        Self { path, writer: Mutex::new(writer), readers, import: Mutex::new(()), feed_epoch: AtomicU64::new(0) }
    }

    /// Reads through an idle connection. Readers never wait for the writer.
    fn read<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Some(readers) = &self.readers else {
            return work(&lock(&self.writer)).map_err(|cause| classify(&self.path, what, cause));
        };
        let idle = lock(readers).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect::reader(&self.path)?,
        };
        // One transaction for all of it: thousands of look-ups otherwise lock and unlock the file thousands of times, and
        // could see two states.
        let answer = connection.unchecked_transaction().and_then(|transaction| {
            let answer = work(&transaction)?;
            transaction.finish()?;
            Ok(answer)
        });
        let mut readers = lock(readers);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        answer.map_err(|cause| classify(&self.path, what, cause))
    }

    /// Writes in one transaction that is on the disk before this returns.
    fn write<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut writer = lock(&self.writer);
        transact(&mut writer, work).map_err(|cause| classify(&self.path, what, cause))
    }

    /// The same for work that can find the entries themselves wrong; then nothing is written.
    fn project_all<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, projection::Undone>,
    ) -> Result<T, StoreError> {
        let mut writer = lock(&self.writer);
        transact(&mut writer, work).map_err(|undone| match undone {
            projection::Undone::Database(cause) => classify(&self.path, what, cause),
            projection::Undone::Entries(error) => error,
        })
    }

    /// The same with room for a whole database's worth of trees, given back after.
    fn project_anew<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, projection::Undone>,
    ) -> Result<T, StoreError> {
        // Indexes are sorted in as much memory as there is cache, beyond it in files, and by a second thread.
        let set = |cache: i32, sort_in: &str, threads: i32| {
            let writer = lock(&self.writer);
            let set = writer.pragma_update(None, "cache_size", cache).and_then(|()| writer.release_memory());
            let set = set.and_then(|()| writer.pragma_update(None, "temp_store", sort_in));
            let set = set.and_then(|()| writer.pragma_update(None, "threads", threads));
            set.map_err(|cause| classify(&self.path, what, cause))
        };
        set(connect::REBUILD_CACHE, "FILE", 2)?;
        let done = self.project_all(what, work);
        set(connect::CACHE, "MEMORY", 0).and(done)
    }

    /// Writes in one transaction that a power cut may undo: for what can be fetched or computed again.
    fn write_cache<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut writer = lock(&self.writer);
        let done = writer.pragma_update(None, "synchronous", "NORMAL").and_then(|()| transact(&mut writer, work));
        // Whatever happened, the next transaction is durable again.
        let restored = writer.pragma_update(None, "synchronous", "FULL");
        done.and_then(|done| restored.map(|()| done)).map_err(|cause| classify(&self.path, what, cause))
    }

    fn bump_feed_epoch(&self) {
        self.feed_epoch.fetch_add(1, Ordering::Release);
    }
}

fn transact<T, E: From<rusqlite::Error>>(
    writer: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

/// A panic elsewhere cannot leave half a transaction: dropping one rolls it back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn classify(path: &Path, what: &'static str, cause: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let (code, extended) = match &cause {
        rusqlite::Error::SqliteFailure(error, _) => (Some(error.code), error.extended_code),
        _ => (None, 0),
    };
    // A value that does not decode was not written by this program: the row is damaged even if the page is whole.
    let undecodable = matches!(
        cause,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
    );
    let cause = Box::new(cause);
    match code {
        Some(ErrorCode::DiskFull) => StoreError::Full { path, cause },
        Some(ErrorCode::SystemIoFailure) if extended == SHARED_MEMORY_SIZE => StoreError::Full { path, cause },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged { path, cause },
        Some(ErrorCode::CannotOpen) => StoreError::Open { path, cause },
        _ if undecodable => StoreError::Damaged { path, cause },
        _ => StoreError::Failed { path, what, cause },
    }
}
