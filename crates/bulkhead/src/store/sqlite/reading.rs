//! Which files were read, and what is new in them against the release before.

use std::collections::BTreeMap;

use bulkhead_core::{Purl, Sha256};
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension as _, Result, Row, Transaction, params};

use super::report::among;
use super::value::{get_digest, get_purl, get_time, time, undecodable};
use crate::store::{KeptDelta, Reading};

pub(super) fn note(tx: &Transaction<'_>, reading: &Reading) -> Result<()> {
    let sql = "INSERT INTO reading (ecosystem, project, version, file, digest, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT DO NOTHING";
    tx.prepare_cached(sql)?.execute(params![
        reading.purl.ecosystem().as_str(),
        reading.purl.name(),
        reading.purl.version().unwrap_or_default(),
        reading.file,
        reading.digest.as_bytes().as_slice(),
        time(reading.at),
    ])?;
    Ok(())
}

pub(super) fn all(connection: &Connection, project: Option<&Purl>) -> Result<Vec<Reading>> {
    let row = |row: &Row<'_>| {
        Ok(Reading { purl: get_purl(row, 0)?, file: row.get(3)?, digest: get_digest(row, 4)?, at: get_time(row, 5)? })
    };
    let columns = "SELECT ecosystem, project, version, file, digest, at FROM reading";
    match project {
        Some(project) => {
            let sql = format!("{columns} WHERE ecosystem = ?1 AND project = ?2 ORDER BY file, digest");
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_map([project.ecosystem().as_str(), project.name()], row)?.collect()
        }
        None => {
            let mut statement =
                connection.prepare_cached(&format!("{columns} ORDER BY ecosystem, project, file, digest"))?;
            statement.query_map([], row)?.collect()
        }
    }
}

pub(super) fn put_delta(tx: &Transaction<'_>, digest: &Sha256, ruleset: &str, kept: &KeptDelta) -> Result<()> {
    let json = serde_json::to_string(&(&kept.delta, &kept.born))
        .map_err(|cause| Error::ToSqlConversionFailure(Box::new(cause)))?;
    let sql = "INSERT INTO delta (digest, ruleset, before, json) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (digest, ruleset) DO UPDATE SET before = excluded.before, json = excluded.json";
    let (digest, before) = (digest.as_bytes().as_slice(), kept.before.as_bytes().as_slice());
    tx.prepare_cached(sql)?.execute(params![digest, ruleset, before, json])?;
    Ok(())
}

pub(super) fn deltas(
    connection: &Connection,
    digests: &[Sha256],
    ruleset: &str,
) -> Result<BTreeMap<Sha256, KeptDelta>> {
    let sql = "SELECT before, json FROM delta WHERE digest = ?1 AND ruleset = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = BTreeMap::new();
    for digest in &among(connection, "delta", digests)? {
        let kept = statement.query_row(params![digest.as_bytes().as_slice(), ruleset], |row| {
            let json: String = row.get(1)?;
            let (delta, born) = serde_json::from_str(&json).map_err(|cause| undecodable(1, Type::Text, cause))?;
            Ok(KeptDelta { before: get_digest(row, 0)?, delta, born })
        });
        found.extend(kept.optional()?.map(|kept| (*digest, kept)));
    }
    Ok(found)
}
