//! Advisories on the disk: a quarter of a million records, none of them in memory.

use std::collections::BTreeMap;

use bulkhead_core::{Purl, Sha256};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, Statement, Transaction, params};

use super::report;
use super::value::{count, get_count, get_digest, get_list, get_time, get_time_if, list, time};
use crate::store::{Advisory, Affected, Feed, FeedSummary};

/// Advisories per transaction of an import or a removal: the writer is free for others in between.
pub(super) const CHUNK: usize = 1_000;

/// Starts a feed that no reader sees yet.
pub(super) fn begin(tx: &Transaction<'_>, name: &str, now: Timestamp) -> Result<i64> {
    tx.execute("INSERT INTO feed (name, active, imported_at) VALUES (?1, 0, ?2)", params![name, time(now)])?;
    Ok(tx.last_insert_rowid())
}

pub(super) fn add(tx: &Transaction<'_>, feed: i64, advisories: &[Advisory]) -> Result<()> {
    let sql = "INSERT INTO advisory (feed, osv, malicious, modified, summary, aliases) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut advisory_row = tx.prepare_cached(sql)?;
    let sql = "INSERT INTO affected (ecosystem, name, advisory, nth, versions, ranges) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut affected_row = tx.prepare_cached(sql)?;
    let sql = "INSERT INTO advisory_file (digest, advisory) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let mut file_row = tx.prepare_cached(sql)?;
    for advisory in advisories {
        let id = advisory_row.insert(params![
            feed,
            advisory.id,
            advisory.malicious,
            time(advisory.modified),
            advisory.summary,
            list(&advisory.aliases)?,
        ])?;
        for (nth, affected) in (0_i64..).zip(&advisory.affected) {
            let (versions, ranges) = (list(affected.versions())?, list(affected.ranges())?);
            affected_row.execute(params![affected.ecosystem().as_str(), affected.name(), id, nth, versions, ranges])?;
        }
        for digest in &advisory.files {
            file_row.execute(params![digest.as_bytes().as_slice(), id])?;
        }
    }
    Ok(())
}

/// Lets readers see the feed, in the place of the one of that name.
pub(super) fn flip(tx: &Transaction<'_>, feed: i64, name: &str, summary: &FeedSummary) -> Result<()> {
    tx.execute("UPDATE feed SET active = 0 WHERE name = ?1 AND active = 1", [name])?;
    let sql = "UPDATE feed SET active = 1, digest = ?2, records = ?3, withdrawn = ?4, elsewhere = ?5, invalid = ?6,
                               newest = ?7
               WHERE id = ?1";
    tx.execute(
        sql,
        params![
            feed,
            summary.digest.as_bytes().as_slice(),
            count(summary.records)?,
            count(summary.withdrawn)?,
            count(summary.elsewhere)?,
            count(summary.invalid)?,
            summary.newest.map(time),
        ],
    )?;
    Ok(())
}

pub(super) fn retire(tx: &Transaction<'_>, name: &str) -> Result<bool> {
    Ok(tx.execute("UPDATE feed SET active = 0 WHERE name = ?1 AND active = 1", [name])? > 0)
}

/// Deletes one chunk of what no reader sees: replaced feeds, and imports that were refused or cut off. False when
/// nothing is left.
pub(super) fn sweep(tx: &Transaction<'_>) -> Result<bool> {
    let feed = tx.query_row("SELECT id FROM feed WHERE active = 0 LIMIT 1", [], |row| row.get::<_, i64>(0));
    let Some(feed) = feed.optional()? else { return Ok(false) };
    let chunk = i64::try_from(CHUNK).expect("invariant: a small constant");
    let some = "SELECT id FROM advisory WHERE feed = ?1 ORDER BY id LIMIT ?2";
    for (table, column) in [("affected", "advisory"), ("advisory_file", "advisory"), ("advisory", "id")] {
        let gone = tx.execute(&format!("DELETE FROM {table} WHERE {column} IN ({some})"), [feed, chunk])?;
        if table == "advisory" && gone == 0 {
            tx.execute("DELETE FROM feed WHERE id = ?1", [feed])?;
        }
    }
    Ok(true)
}

pub(super) fn feeds(connection: &Connection) -> Result<Vec<Feed>> {
    let sql = "SELECT name, digest, records, withdrawn, elsewhere, invalid, newest, imported_at
               FROM feed WHERE active = 1 ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(Feed {
            name: row.get(0)?,
            summary: FeedSummary {
                digest: get_digest(row, 1)?,
                records: get_count(row, 2)?,
                withdrawn: get_count(row, 3)?,
                elsewhere: get_count(row, 4)?,
                invalid: get_count(row, 5)?,
                newest: get_time_if(row, 6)?,
            },
            imported_at: get_time(row, 7)?,
        })
    })?;
    rows.collect()
}

/// CROSS JOIN fixes the order: from the package to its few advisories, never the other way round.
pub(super) const ON_PROJECT: &str = "
    SELECT a.osv, a.malicious, a.modified, a.summary, a.aliases, a.id, p.versions, p.ranges
    FROM affected p CROSS JOIN advisory a ON a.id = p.advisory CROSS JOIN feed f ON f.id = a.feed
    WHERE p.ecosystem = ?1 AND p.name = ?2 AND f.active = 1
    ORDER BY a.osv, a.id, p.nth";

pub(super) const WITH_FILE: &str = "
    SELECT a.osv, a.malicious, a.modified, a.summary, a.aliases
    FROM advisory_file d CROSS JOIN advisory a ON a.id = d.advisory CROSS JOIN feed f ON f.id = a.feed
    WHERE d.digest = ?1 AND f.active = 1
    ORDER BY a.osv, a.id";

pub(super) fn on_project(connection: &Connection, project: &Purl) -> Result<Vec<Advisory>> {
    let mut statement = connection.prepare_cached(ON_PROJECT)?;
    let mut found: Vec<Advisory> = Vec::new();
    let mut last: Option<i64> = None;
    let mut rows = statement.query([project.ecosystem().as_str(), project.name()])?;
    while let Some(row) = rows.next()? {
        // One advisory may name the project in several parts, which come one after the other.
        let id: i64 = row.get(5)?;
        if last.replace(id) != Some(id) {
            found.push(advisory(row)?);
        }
        let (versions, ranges) = (get_list(row, 6)?, get_list(row, 7)?);
        let affected = Affected::new(project.ecosystem(), project.name().to_owned(), versions, ranges);
        found.last_mut().expect("invariant: pushed for its first row").affected.push(affected);
    }
    Ok(found)
}

pub(super) fn with_files(connection: &Connection, digests: &[Sha256]) -> Result<BTreeMap<Sha256, Vec<Advisory>>> {
    let mut found = BTreeMap::new();
    let mut statement = connection.prepare_cached(WITH_FILE)?;
    for digest in &report::among(connection, "advisory_file", digests)? {
        let named = with_file(&mut statement, digest)?;
        if !named.is_empty() {
            found.insert(*digest, named);
        }
    }
    Ok(found)
}

fn with_file(statement: &mut Statement<'_>, digest: &Sha256) -> Result<Vec<Advisory>> {
    statement.query_map([digest.as_bytes().as_slice()], advisory)?.collect()
}

fn advisory(row: &Row<'_>) -> Result<Advisory> {
    Ok(Advisory {
        id: row.get(0)?,
        malicious: row.get(1)?,
        modified: get_time(row, 2)?,
        summary: row.get(3)?,
        aliases: get_list(row, 4)?,
        affected: Vec::new(),
        files: Vec::new(),
    })
}
