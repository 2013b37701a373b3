//! The suite that every backend passes, and what only a file can show.

mod estate;
mod plan;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

use super::{SqliteStore, projection};
use crate::store::conformance::{self, Stream, at, fetch, project, refusal, with_bytes};
use crate::store::{Store, StoreError};

#[test]
fn a_file_conforms() {
    let folder = TempDir::new().expect("a folder");
    let number = std::cell::Cell::new(0);
    conformance::suite(&|| {
        number.set(number.get() + 1);
        Box::new(SqliteStore::open(&folder.path().join(format!("{}.db", number.get()))).expect("opens"))
    });
}

#[test]
fn memory_conforms() {
    conformance::suite(&|| Box::new(SqliteStore::in_memory().expect("opens")));
}

#[test]
fn what_was_kept_is_there_after_a_restart() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("state.db");
    let demo = project("demo").at("1.0");
    let store = SqliteStore::open(&path).expect("opens");
    store.project(&[fetch(0, &demo, "a.whl")]).expect("projects");
    store.set_meta("key", "value").expect("keeps");
    drop(store);
    let store = SqliteStore::open(&path).expect("opens again");
    assert_eq!(store.served(&demo).expect("answers").len(), 1);
    assert_eq!(store.meta("key").expect("answers").as_deref(), Some("value"));
    let mode = fs::metadata(&path).expect("exists").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "tokens' digests are nobody else's business");
}

/// Row for row: a rebuild must leave no trace of the life before.
#[test]
fn a_rebuild_gives_the_same_rows() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("state.db");
    let store = SqliteStore::open(&path).expect("opens");
    let demo = project("demo").at("1.0");
    let mut entries: Vec<_> = (0..60)
        .map(|index| match index % 5 {
            0 => refusal(index, &demo, "a.whl", &["cooldown", "no-hash"]),
            1 => refusal(index, &demo, &format!("{index}.whl"), &[]),
            2 => refusal(index, &demo, "a.whl", &["cooldown"]),
            _ => fetch(index, &demo, if index % 3 == 0 { "a.whl" } else { "b.whl" }),
        })
        .collect();
    entries.extend(estate::one_of_each(60));
    entries.chunks(7).for_each(|chunk| store.project(chunk).expect("projects"));
    let before = dump(&path);
    assert!(before.iter().all(|(table, rows)| *table == "decision" || !rows.is_empty()), "every table is part of it");
    let indexes = || -> Vec<String> {
        let connection = Connection::open(&path).expect("opens");
        let sql = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name";
        let mut statement = connection.prepare(sql).expect("is good");
        statement.query_map([], |row| row.get(0)).expect("reads").map(|sql| sql.expect("text")).collect()
    };
    let made = indexes();
    assert!(made.len() > 10, "{made:?}");
    let mut seen = 0;
    let mut watched = entries.clone().into_iter().inspect(|_| {
        // Whoever asks while it goes on is answered from the old rows: a rejection must not be gone meanwhile.
        assert_eq!(dump(&path), before);
        seen += 1;
    });
    let rows = store.rebuild_projections(&mut watched.by_ref().map(with_bytes).map(Ok)).expect("rebuilds");
    assert_eq!(rows, entries.len() as u64);
    drop(watched);
    assert_eq!(seen, entries.len());
    assert_eq!(dump(&path), before);
    let broken = entries.clone().into_iter().take(30).map(with_bytes).map(Ok).chain([Err("unreadable".into())]);
    let error = store.rebuild_projections(&mut { broken }).expect_err("an entry that cannot be read");
    assert!(matches!(error, StoreError::Unread(_)), "{error}");
    assert_eq!(dump(&path), before, "the old rows stay");
    assert_eq!(indexes(), made, "each is back, after a rebuild and after one that failed");
}

fn dump(path: &std::path::Path) -> Vec<(&'static str, Vec<Vec<Value>>)> {
    let connection = Connection::open(path).expect("opens");
    let rows = |table: &str| -> Vec<Vec<Value>> {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).expect("prepares");
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        statement.query_map([], row).expect("reads").collect::<Result<_, _>>().expect("reads")
    };
    projection::TABLES.iter().map(|table| (*table, rows(table))).collect()
}

#[test]
fn a_damaged_file_is_named_with_what_to_do() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("state.db");
    fs::write(&path, "this is no database, and long enough to be taken for one".repeat(100)).expect("writes");
    let error = SqliteStore::open(&path).expect_err("no database");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    let problem = error.to_problem();
    assert!(problem.detail.contains("state.db") && problem.detail.contains("bulkhead ledger rebuild"), "{problem}");
    let aside = SqliteStore::set_aside(&path, "damaged").expect("moves");
    assert!(aside.ends_with("state.db.damaged") && aside.exists());
    SqliteStore::open(&path).expect("a new one opens");
}

#[test]
fn a_damaged_page_is_found_when_it_is_read() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("state.db");
    let store = SqliteStore::open(&path).expect("opens");
    let demo = project("demo").at("1.0");
    let entries: Vec<_> = (0..2_000).map(|index| fetch(index, &demo, "a.whl")).collect();
    store.project(&entries).expect("projects");
    drop(store);
    let mut bytes = fs::read(&path).expect("reads");
    // Past the schema, which is read first.
    let from = bytes.len() / 2;
    bytes[from..].fill(0xFF);
    fs::write(&path, bytes).expect("writes");
    let store = SqliteStore::open(&path).expect("the schema is whole");
    let error = store.latest_entries(2_000).expect_err("the pages are not");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_row_that_does_not_decode_is_damage() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("state.db");
    let store = SqliteStore::open(&path).expect("opens");
    store.project(&[fetch(0, &project("demo").at("1.0"), "a.whl")]).expect("projects");
    let other = Connection::open(&path).expect("opens");
    other.execute("UPDATE entry SET body = x'7b7d'", []).expect("spoils");
    let error = store.latest_entries(1).expect_err("no entry");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("state.db");
    drop(SqliteStore::open(&path).expect("opens"));
    Connection::open(&path).expect("opens").pragma_update(None, "user_version", 999).expect("sets");
    let error = SqliteStore::open(&path).expect_err("from the future");
    assert!(matches!(error, StoreError::Newer { found: 999, .. }), "{error:?}");
}

/// A full disk, as SQLite sees it: the file may not grow. What was there is still read, and writing works again later.
#[test]
fn a_full_disk_is_its_own_class_and_passes() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("state.db");
    let store = SqliteStore::open(&path).expect("opens");
    store.set_meta("before", "yes").expect("keeps");
    let limit = |pages: i64| {
        let writer = store.writer.lock().expect("not poisoned");
        writer.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0)).expect("counts");
        writer.pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0)).expect("limits");
    };
    limit(1);
    let error = store.set_meta("large", &"x".repeat(1 << 20)).expect_err("no room");
    assert!(error.is_full(), "{error:?}");
    assert_eq!(error.to_problem().code.status(), 503);
    assert_eq!(store.meta("before").expect("answers").as_deref(), Some("yes"));
    assert_eq!(store.meta("large").expect("answers"), None, "nothing half-stored");
    limit(1 << 20);
    store.set_meta("large", "fits").expect("room again");
}

#[test]
fn a_cache_write_leaves_the_next_one_durable() {
    let store = SqliteStore::in_memory().expect("opens");
    let synchronous = || -> i64 {
        let writer = store.writer.lock().expect("not poisoned");
        writer.pragma_query_value(None, "synchronous", |row| row.get(0)).expect("answers")
    };
    let seen = store.write_cache("look", |tx| tx.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)));
    assert_eq!((seen.expect("answers"), synchronous()), (1, 2));
    store.write_cache("fail", |tx| tx.execute("nonsense", [])).expect_err("no SQL");
    assert_eq!(synchronous(), 2);
}

/// An import that was cut off (power, kill) is never seen, and the next import sweeps it.
#[test]
fn a_cut_off_import_leaves_nothing() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("state.db");
    let store = SqliteStore::open(&path).expect("opens");
    let other = Connection::open(&path).expect("opens");
    let cut_off = "INSERT INTO feed (id, name, active, imported_at) VALUES (77, 'a', 0, 0);
                   INSERT INTO advisory VALUES (1, 77, 'MAL-1', 1, 0, '', '');
                   INSERT INTO affected VALUES ('pypi', 'demo', 1, 0, '', '');
                   INSERT INTO advisory_file VALUES (zeroblob(32), 1);";
    other.execute_batch(cut_off).expect("writes");
    assert!(store.advisories_on(&project("demo")).expect("answers").is_empty());
    assert!(store.feeds().expect("answers").is_empty());
    store.import_feed("b", &mut Stream::good(Vec::new()), at(0)).expect("imports");
    let count = |table: &str| -> i64 {
        other.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("counts")
    };
    assert_eq!(["feed", "advisory", "affected", "advisory_file"].map(count), [1, 0, 0, 0]);
}

/// Readers and the writer at once: nobody waits for long, nobody sees half a transaction.
#[test]
fn readers_run_beside_the_writer() {
    let folder = TempDir::new().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("state.db")).expect("opens");
    let demo = project("demo").at("1.0");
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let entries = store.entries_about(&demo, 1_000).expect("answers").len() as u64;
                    assert_eq!(entries % 10, 0, "a batch is whole or absent");
                }
            });
        }
        for batch in 0..20 {
            let entries: Vec<_> = (batch * 10..batch * 10 + 10).map(|index| fetch(index, &demo, "a.whl")).collect();
            store.project(&entries).expect("projects");
        }
    });
    assert_eq!(store.served(&demo).expect("answers")[0].count, 200);
}

/// The plans that keep large tables fast (notes: a scan or an automatic index costs 25 times as much at 11 M rows).
#[test]
fn lookups_use_their_index() {
    let store = SqliteStore::in_memory().expect("opens");
    let writer = store.writer.lock().expect("not poisoned");
    for sql in [
        super::advisory::ON_PROJECT,
        super::advisory::WITH_FILE,
        "SELECT body FROM entry INDEXED BY entry_project WHERE ecosystem = ?1 AND project = ?2 ORDER BY idx DESC LIMIT ?3",
        "SELECT version FROM served WHERE ecosystem = ?1 AND project = ?2",
        "SELECT at FROM first_seen WHERE ecosystem = ?1 AND project = ?2 AND file = ?3 AND digest = ?4",
        "SELECT readable, findings FROM report WHERE digest = ?1 AND ruleset = ?2",
    ] {
        let mut statement = writer.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("prepares");
        let nulls = vec![Value::Null; statement.parameter_count()];
        let plan = statement.query_map(rusqlite::params_from_iter(nulls), |row| row.get::<_, String>(3));
        let plan: Vec<String> = plan.expect("plans").collect::<Result<_, _>>().expect("plans");
        assert!(
            plan.iter().all(|step| step.starts_with("SEARCH") || step.starts_with("USE TEMP B-TREE")),
            "{sql}: {plan:?}"
        );
    }
}
