//! Upstream pages, first-seen times, what was withheld, and small values.

use bulkhead_core::{Purl, Sha256};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Result, Transaction, params};

use super::report::{pack, unpack};
use super::value::{get_digest, get_time, time};
use crate::store::{Page, SeenFile, WithheldFrom};

pub(super) fn put(tx: &Transaction<'_>, project: &Purl, page: &Page, packed: &[u8]) -> Result<()> {
    let sql = "INSERT INTO page (ecosystem, project, fetched_at, etag, content_type, final_url, body)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT (ecosystem, project) DO UPDATE SET
                   fetched_at = excluded.fetched_at, etag = excluded.etag, content_type = excluded.content_type,
                   final_url = excluded.final_url, body = excluded.body";
    tx.prepare_cached(sql)?.execute(params![
        project.ecosystem().as_str(),
        project.name(),
        time(page.fetched_at),
        page.etag,
        page.content_type,
        page.final_url,
        packed,
    ])?;
    Ok(())
}

/// Compressed before the writer is locked: a large page takes milliseconds.
pub(super) fn packed(page: &Page) -> Result<Vec<u8>> {
    pack(&page.body)
}

pub(super) fn touch(tx: &Transaction<'_>, project: &Purl, fetched_at: Timestamp) -> Result<()> {
    let sql = "UPDATE page SET fetched_at = ?3 WHERE ecosystem = ?1 AND project = ?2";
    tx.prepare_cached(sql)?.execute(params![project.ecosystem().as_str(), project.name(), time(fetched_at)])?;
    Ok(())
}

pub(super) fn find(connection: &Connection, project: &Purl) -> Result<Option<Page>> {
    let sql = "SELECT fetched_at, etag, content_type, final_url, body FROM page WHERE ecosystem = ?1 AND project = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let row = statement.query_row([project.ecosystem().as_str(), project.name()], |row| {
        let packed = row.get_ref(4)?.as_blob().map_err(|cause| {
            rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Blob, Box::new(cause))
        })?;
        Ok(Page {
            fetched_at: get_time(row, 0)?,
            etag: row.get(1)?,
            content_type: row.get(2)?,
            final_url: row.get(3)?,
            body: unpack(4, packed)?,
        })
    });
    row.optional()
}

/// The kept time of each file, where there is one.
pub(super) fn seen(connection: &Connection, project: &Purl, files: &[SeenFile<'_>]) -> Result<Vec<Option<Timestamp>>> {
    let sql = "SELECT at FROM first_seen WHERE ecosystem = ?1 AND project = ?2 AND file = ?3 AND digest = ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let mut times = Vec::with_capacity(files.len());
    for seen in files {
        let key = params![project.ecosystem().as_str(), project.name(), seen.file, digest_key(seen)];
        times.push(statement.query_row(key, |row| get_time(row, 0)).optional()?);
    }
    Ok(times)
}

pub(super) fn see(tx: &Transaction<'_>, project: &Purl, files: &[SeenFile<'_>], now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO first_seen (ecosystem, project, file, digest, at) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT DO NOTHING";
    let mut statement = tx.prepare_cached(sql)?;
    for seen in files {
        let (ecosystem, name) = (project.ecosystem().as_str(), project.name());
        statement.execute(params![ecosystem, name, seen.file, digest_key(seen), time(now)])?;
    }
    Ok(())
}

fn digest_key<'a>(seen: &'a SeenFile<'_>) -> &'a [u8] {
    seen.sha256.as_ref().map_or(&[], |digest| digest.as_bytes().as_slice())
}

pub(super) fn withheld(connection: &Connection, from: &WithheldFrom<'_>) -> Result<Option<Sha256>> {
    let sql = "SELECT digest FROM withheld
               WHERE principal = ?1 AND client = ?2 AND ecosystem = ?3 AND project = ?4";
    let key = [from.principal.as_str(), from.client, from.project.ecosystem().as_str(), from.project.name()];
    connection.prepare_cached(sql)?.query_row(key, |row| get_digest(row, 0)).optional()
}

pub(super) fn set_withheld(tx: &Transaction<'_>, from: &WithheldFrom<'_>, digest: &Sha256) -> Result<()> {
    let sql = "INSERT INTO withheld (principal, client, ecosystem, project, digest) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (principal, client, ecosystem, project) DO UPDATE SET digest = excluded.digest";
    tx.prepare_cached(sql)?.execute(params![
        from.principal.as_str(),
        from.client,
        from.project.ecosystem().as_str(),
        from.project.name(),
        digest.as_bytes().as_slice(),
    ])?;
    Ok(())
}

pub(super) fn meta(connection: &Connection, key: &str) -> Result<Option<String>> {
    connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()
}

pub(super) fn set_meta(tx: &Transaction<'_>, key: &str, value: &str) -> Result<()> {
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    tx.prepare_cached(sql)?.execute([key, value])?;
    Ok(())
}
