//! Questions to the projections.

use std::collections::BTreeMap;

use bulkhead_core::{Effect, EntryIndex, Principal, Purl, RunId, Sha256};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Params, Result, Row, params};

use super::value::{
    get_count, get_digest_if, get_entry, get_index, get_purl, get_time, get_time_if, index, undecodable,
};
use crate::store::{Decision, HeldItem, Indexed, Ruling, ServedVersion};

pub(super) fn entry(connection: &Connection, at: EntryIndex) -> Result<Option<Indexed>> {
    let sql = "SELECT body FROM entry WHERE idx = ?1";
    connection.prepare_cached(sql)?.query_row([index(at)?], |row| get_entry(row, 0)).optional()
}

pub(super) fn about(connection: &Connection, purl: &Purl, limit: usize) -> Result<Vec<Indexed>> {
    let (ecosystem, name, limit) = (purl.ecosystem().as_str(), purl.name(), row_limit(limit));
    match purl.version() {
        Some(version) => {
            let sql = "SELECT body FROM entry INDEXED BY entry_release
                       WHERE ecosystem = ?1 AND project = ?2 AND version = ?3 ORDER BY idx DESC LIMIT ?4";
            entries(connection, sql, params![ecosystem, name, version, limit])
        }
        None => {
            let sql = "SELECT body FROM entry INDEXED BY entry_project
                       WHERE ecosystem = ?1 AND project = ?2 ORDER BY idx DESC LIMIT ?3";
            entries(connection, sql, params![ecosystem, name, limit])
        }
    }
}

pub(super) fn with_digest(connection: &Connection, digest: &Sha256, limit: usize) -> Result<Vec<Indexed>> {
    let sql = "SELECT body FROM entry INDEXED BY entry_digest WHERE digest = ?1 ORDER BY idx DESC LIMIT ?2";
    entries(connection, sql, params![digest.as_bytes().as_slice(), row_limit(limit)])
}

pub(super) fn of_run(connection: &Connection, run: &RunId, limit: usize) -> Result<Vec<Indexed>> {
    let sql = "SELECT body FROM entry INDEXED BY entry_run WHERE run = ?1 ORDER BY idx DESC LIMIT ?2";
    entries(connection, sql, params![run.to_string(), row_limit(limit)])
}

pub(super) fn runs(connection: &Connection, limit: usize) -> Result<Vec<(Indexed, Indexed)>> {
    let sql = "SELECT MIN(idx), MAX(idx) FROM entry INDEXED BY entry_run WHERE run IS NOT NULL
               GROUP BY run ORDER BY run DESC LIMIT ?1";
    let ends = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let ends: Vec<(i64, i64)> =
        connection.prepare_cached(sql)?.query_map([row_limit(limit)], ends)?.collect::<Result<_>>()?;
    let one = |index: i64| {
        let found = entries(connection, "SELECT body FROM entry WHERE idx = ?1", [index])?;
        found.into_iter().next().ok_or(rusqlite::Error::QueryReturnedNoRows)
    };
    ends.into_iter().map(|(first, last)| Ok((one(first)?, one(last)?))).collect()
}

pub(super) fn latest(connection: &Connection, limit: usize) -> Result<Vec<Indexed>> {
    entries(connection, "SELECT body FROM entry ORDER BY idx DESC LIMIT ?1", params![row_limit(limit)])
}

pub(super) fn served(connection: &Connection, project: &Purl) -> Result<Vec<ServedVersion>> {
    let sql = "SELECT version, uploaded, last_served, count FROM served WHERE ecosystem = ?1 AND project = ?2";
    let row = |row: &Row<'_>| {
        Ok(ServedVersion {
            version: row.get(0)?,
            uploaded: get_time_if(row, 1)?,
            last_served: get_time(row, 2)?,
            count: get_count(row, 3)?,
        })
    };
    connection.prepare_cached(sql)?.query_map([project.ecosystem().as_str(), project.name()], row)?.collect()
}

pub(super) fn decisions_for(connection: &Connection, project: &Purl) -> Result<Vec<Decision>> {
    let sql = "SELECT entry, at, released, ecosystem, project, version, file, rule, owner, reason, expires
               FROM decision WHERE ecosystem = ?1 AND project = ?2 ORDER BY entry";
    connection.prepare_cached(sql)?.query_map([project.ecosystem().as_str(), project.name()], decision)?.collect()
}

pub(super) fn held(connection: &Connection, now: Timestamp) -> Result<Vec<HeldItem>> {
    let sql =
        "SELECT entry, at, released, ecosystem, project, version, file, rule, owner, reason, expires FROM decision";
    let mut decisions: BTreeMap<Purl, Vec<Decision>> = BTreeMap::new();
    for decision in connection.prepare_cached(sql)?.query_map([], decision)? {
        let decision = decision?;
        if decision.in_force(now) {
            decisions.entry(project_of(&decision.purl)?).or_default().push(decision);
        }
    }
    let sql = "SELECT id, ecosystem, project, version, file, digest, rule, effect, text, uploaded, count, first_asked,
                      last_asked, last_entry
               FROM held WHERE open = 1 ORDER BY first_asked, id";
    let mut items = Vec::new();
    for row in connection.prepare_cached(sql)?.query_map([], |row| Ok((row.get::<_, i64>(0)?, held_item(row)?)))? {
        let (id, mut item) = row?;
        let decided = decisions.get(&project_of(&item.purl)?).into_iter().flatten();
        if decided.into_iter().any(|decision| decision.covers(&item.purl, item.file.as_deref(), &item.rule)) {
            continue;
        }
        let sql = "SELECT principal FROM held_principal WHERE held = ?1 ORDER BY principal";
        let name = |row: &Row<'_>| row.get::<_, String>(0).map(Principal::new);
        item.principals = connection.prepare_cached(sql)?.query_map([id], name)?.collect::<Result<_>>()?;
        items.push(item);
    }
    Ok(items)
}

fn entries(connection: &Connection, sql: &str, params: impl Params) -> Result<Vec<Indexed>> {
    connection.prepare_cached(sql)?.query_map(params, |row| get_entry(row, 0))?.collect()
}

fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn project_of(purl: &Purl) -> Result<Purl> {
    Purl::project(purl.ecosystem(), purl.name()).map_err(|cause| undecodable(0, Type::Text, cause))
}

fn decision(row: &Row<'_>) -> Result<Decision> {
    Ok(Decision {
        entry: get_index(row, 0)?,
        at: get_time(row, 1)?,
        ruling: if row.get(2)? { Ruling::Released } else { Ruling::Rejected },
        purl: get_purl(row, 3)?,
        file: row.get(6)?,
        rule: row.get(7)?,
        owner: row.get(8)?,
        reason: row.get(9)?,
        expires: get_time_if(row, 10)?,
    })
}

fn held_item(row: &Row<'_>) -> Result<HeldItem> {
    let file: String = row.get(4)?;
    let effect: String = row.get(7)?;
    Ok(HeldItem {
        purl: get_purl(row, 1)?,
        file: (!file.is_empty()).then_some(file),
        digest: get_digest_if(row, 5)?,
        rule: row.get(6)?,
        effect: match effect.as_str() {
            "hold" => Effect::Hold,
            "deny" => Effect::Deny,
            other => return Err(undecodable(7, Type::Text, format!("`{other}` is not hold or deny"))),
        },
        text: row.get(8)?,
        uploaded: get_time_if(row, 9)?,
        count: get_count(row, 10)?,
        first_asked: get_time(row, 11)?,
        last_asked: get_time(row, 12)?,
        last_entry: get_index(row, 13)?,
        principals: Vec::new(),
    })
}
