//! Opening the file: permissions, pragmas, and the numbered schema files.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{StoreError, classify};

/// Schema files in order; `PRAGMA user_version` counts how many are applied. Forward only.
const SCHEMA: &[&str] = &[
    include_str!("schema/001-base.sql"),
    include_str!("schema/002-exposure.sql"),
    include_str!("schema/010-reading.sql"),
    include_str!("schema/011-refused.sql"),
];

/// Another process (an import by the command line) may hold the write lock for a moment.
const BUSY: Duration = Duration::from_secs(10);
const CACHED_STATEMENTS: usize = 64;
/// Negative: KiB per connection. Feeds stay on the disk and in the system's own cache.
pub(super) const CACHE: i32 = -2048;
/// The same while exposure walks the graph.
pub(super) const WALK_CACHE: i32 = -65_536;
/// The same while all projections are made anew: every entry goes into a dozen trees at places far apart, and a page that
/// does not stay in memory is written to the WAL each time it is left.
pub(super) const REBUILD_CACHE: i32 = -262_144;

pub(super) fn writer(path: &Path) -> Result<Connection, StoreError> {
    // SQLite would create the file readable by everyone; the files beside it take over its mode.
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|cause| StoreError::Open { path: path.to_owned(), cause: Box::new(cause) })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = open(path, flags)?;
    let prepared = connection
        .pragma_update(None, "journal_mode", "WAL")
        .and_then(|()| connection.pragma_update(None, "synchronous", "FULL"))
        .and_then(|()| connection.pragma_update(None, "journal_size_limit", 64 << 20));
    prepared.map_err(|cause| classify(path, "switch to WAL", cause))?;
    migrate(path, &mut connection)?;
    Ok(connection)
}

pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

pub(super) fn memory() -> Result<Connection, StoreError> {
    let path = Path::new(":memory:");
    let mut connection = Connection::open_in_memory().map_err(|cause| classify(path, "open", cause))?;
    settings(&connection).map_err(|cause| classify(path, "set its pragmas", cause))?;
    migrate(path, &mut connection)?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags).map_err(|cause| classify(path, "open", cause))?;
    settings(&connection).map_err(|cause| classify(path, "set its pragmas", cause))?;
    Ok(connection)
}

fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // SQLite would otherwise sometimes index a whole table for one query: measured 25 times slower at 11 M rows.
    connection.pragma_update(None, "automatic_index", false)?;
    // A plan is of the query alone. SQLite would otherwise look at bound values too, and make the plan anew each time that
    // others are bound: a third of a walk, which asks the same few questions tens of thousands of times.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // The file is data, never code: no function runs because a schema names it.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", CACHE)
}

fn migrate(path: &Path, connection: &mut Connection) -> Result<(), StoreError> {
    let failed = |cause| classify(path, "update its schema", cause);
    let known = u32::try_from(SCHEMA.len()).expect("invariant: a handful of schema files");
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    for (version, sql) in (1..).zip(SCHEMA).skip(found as usize) {
        let transaction = connection.transaction().map_err(failed)?;
        transaction.execute_batch(sql).map_err(failed)?;
        transaction.pragma_update(None, "user_version", version).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}
