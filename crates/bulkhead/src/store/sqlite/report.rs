//! Reports, compressed when they are long.

use std::collections::{BTreeMap, HashSet};
use std::io::{Read as _, Write as _};

use bulkhead_core::Sha256;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension as _, Result, Transaction, params};

use super::value::{get_list, get_time, list, time, undecodable};
use crate::store::{Judged, Report};

/// Shorter texts are kept as they are: SQLite would not save a page.
const PACK_ABOVE: usize = 4 << 10;

pub(super) fn put(tx: &Transaction<'_>, report: &Report) -> Result<()> {
    let packed = report.json.len() > PACK_ABOVE;
    let json = if packed { pack(report.json.as_bytes())? } else { report.json.clone().into_bytes() };
    let sql = "INSERT INTO report (digest, ruleset, judged_at, readable, findings, packed, json, behaviours)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
               ON CONFLICT (digest, ruleset) DO UPDATE SET
                   judged_at = excluded.judged_at, readable = excluded.readable, findings = excluded.findings,
                   packed = excluded.packed, json = excluded.json, behaviours = excluded.behaviours";
    tx.prepare_cached(sql)?.execute(params![
        report.digest.as_bytes().as_slice(),
        report.ruleset,
        time(report.judged_at),
        report.readable,
        list(&report.findings)?,
        packed,
        json,
        list(&report.behaviours)?,
    ])?;
    Ok(())
}

pub(super) fn find(connection: &Connection, digest: &Sha256, ruleset: &str) -> Result<Option<Report>> {
    let sql =
        "SELECT judged_at, readable, findings, packed, json, behaviours FROM report WHERE digest = ?1 AND ruleset = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let row = statement.query_row(params![digest.as_bytes().as_slice(), ruleset], |row| {
        let kept: Vec<u8> = row.get(4)?;
        let json = if row.get(3)? { unpack(4, &kept)? } else { kept };
        Ok(Report {
            digest: *digest,
            ruleset: ruleset.to_owned(),
            judged_at: get_time(row, 0)?,
            readable: row.get(1)?,
            findings: get_list(row, 2)?,
            behaviours: get_list(row, 5)?,
            json: String::from_utf8(json).map_err(|cause| undecodable(4, Type::Blob, cause))?,
        })
    });
    row.optional()
}

pub(super) fn judged(connection: &Connection, digests: &[Sha256], ruleset: &str) -> Result<BTreeMap<Sha256, Judged>> {
    let sql = "SELECT readable, findings, behaviours FROM report WHERE digest = ?1 AND ruleset = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = BTreeMap::new();
    for digest in &among(connection, "report", digests)? {
        let row = statement.query_row(params![digest.as_bytes().as_slice(), ruleset], |row| {
            Ok(Judged { readable: row.get(0)?, findings: get_list(row, 1)?, behaviours: get_list(row, 2)? })
        });
        if let Some(judged) = row.optional()? {
            found.insert(*digest, judged);
        }
    }
    Ok(found)
}

/// Of these digests, those that the table may have. A page lists thousands of files of which the table knows few: reading
/// a small table once costs less than asking it thousands of times.
pub(super) fn among(connection: &Connection, table: &'static str, digests: &[Sha256]) -> Result<Vec<Sha256>> {
    const FEW: usize = 32;
    let limit = i64::try_from(digests.len()).unwrap_or(i64::MAX).saturating_mul(4);
    let count = format!("SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT ?1)");
    if digests.len() < FEW
        || connection.prepare_cached(&count)?.query_row([limit], |row| row.get::<_, i64>(0))? >= limit
    {
        return Ok(digests.to_vec());
    }
    let asked: HashSet<&[u8]> = digests.iter().map(|digest| digest.as_bytes().as_slice()).collect();
    let mut statement = connection.prepare_cached(&format!("SELECT digest FROM {table}"))?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let digest = row.get_ref(0)?.as_blob()?;
        if let (true, Ok(bytes)) = (asked.contains(digest), digest.try_into()) {
            found.push(Sha256::from_bytes(bytes));
        }
    }
    Ok(found)
}

/// Gzip at the fastest level: pages and reports are written on the path of a waiting client.
pub(super) fn pack(plain: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.map_err(|cause| Error::ToSqlConversionFailure(Box::new(cause)))
}

pub(super) fn unpack(column: usize, packed: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::with_capacity(packed.len() * 4);
    let read = GzDecoder::new(packed).read_to_end(&mut plain);
    read.map_err(|cause| undecodable(column, Type::Blob, cause))?;
    Ok(plain)
}
