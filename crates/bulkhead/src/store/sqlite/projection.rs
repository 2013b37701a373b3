//! Ledger entries into tables. Nothing here reads the clock or anything outside the entries, so that a rebuild gives
//! the same rows.

use bulkhead_core::{Action, Effect, EntryIndex, Gate, Purl};
use bulkhead_ledger::Entry;
use rusqlite::{Error, OptionalExtension as _, Transaction, params};

use super::seen::Seen;
use super::value::{index, time};
use crate::store::entry::{review_note, served, time_of, uploaded};
use crate::store::{Cause, Indexed, StoreError, WithBytes};

/// Every table that holds projections, and nothing else.
pub(super) const TABLES: &[&str] = &[
    "projection",
    "entry",
    "served",
    "held",
    "held_principal",
    "decision",
    "thing",
    "member",
    "contents",
    "unindexed",
    "link",
    "pull",
    "environment",
    "presence",
    "build",
    "run",
    "run_longest",
    "run_use",
    "speaks_for",
    "asset",
    "relation",
    "unread",
    "alarm",
    "refused",
    "daily",
];

/// Indexes by which entries are projected.
const LOOKED_AT: [&str; 1] = ["presence_environment"];

/// The rule name of a refusal that no rule made.
const DEFAULT_RULE: &str = "default";

/// Why nothing was projected.
pub(super) enum Undone {
    Database(Error),
    Entries(StoreError),
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

/// Projects what is new among the entries.
pub(super) fn project(tx: &Transaction<'_>, entries: &[Indexed]) -> Result<(), Undone> {
    let next = through(tx)?.map_or(0, |last| last.0 + 1);
    let known = entries.iter().take_while(|(at, _)| at.0 < next).count();
    let (new, mut seen) = (&entries[known..], Seen::default());
    for (expected, (at, entry)) in (next..).map(EntryIndex).zip(new) {
        let body = entry.encode(*at).map_err(|cause| Error::ToSqlConversionFailure(Box::new(cause)))?;
        take(tx, &mut seen, expected, (*at, entry, &body))?;
    }
    seen.write(tx)?;
    if let Some((last, _)) = new.last() {
        set_through(tx, *last)?;
    }
    Ok(())
}

/// Projects all entries into emptied tables; their number.
pub(super) fn rebuild(
    tx: &Transaction<'_>,
    entries: &mut dyn Iterator<Item = Result<WithBytes, Cause>>,
) -> Result<u64, Undone> {
    let indexes = without_indexes(tx)?;
    TABLES.iter().try_for_each(|table| tx.execute(&format!("DELETE FROM {table}"), []).map(drop))?;
    let (mut next, mut seen) = (0, Seen::of_nothing());
    for entry in entries {
        let (at, entry, body) = entry.map_err(|cause| Undone::Entries(StoreError::Unread(cause)))?;
        take(tx, &mut seen, EntryIndex(next), (at, &entry, &body))?;
        next += 1;
    }
    seen.write(tx)?;
    indexes.iter().try_for_each(|sql| tx.execute_batch(sql))?;
    if let Some(last) = next.checked_sub(1) {
        set_through(tx, EntryIndex(last))?;
    }
    Ok(next)
}

/// Takes away the indexes of the projections that projecting itself does not look at, and gives what makes them again: an
/// index that is made of all rows at once is written in order, and one that grows row by row is written all over the file.
fn without_indexes(tx: &Transaction<'_>) -> Result<Vec<String>, Error> {
    let sql = "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let all: Vec<(String, String, String)> = tx.prepare(sql)?.query_map([], row)?.collect::<Result<_, _>>()?;
    let mut made = Vec::new();
    for (name, table, sql) in all {
        if TABLES.contains(&table.as_str()) && !LOOKED_AT.contains(&name.as_str()) {
            tx.execute_batch(&format!("DROP INDEX {name}"))?;
            made.push(sql);
        }
    }
    Ok(made)
}

fn take(
    tx: &Transaction<'_>,
    seen: &mut Seen,
    expected: EntryIndex,
    (found, entry, body): (EntryIndex, &Entry, &[u8]),
) -> Result<(), Undone> {
    if found != expected {
        return Err(Undone::Entries(StoreError::Gap { expected, found }));
    }
    Ok(apply(tx, seen, found, entry, body)?)
}

fn set_through(tx: &Transaction<'_>, last: EntryIndex) -> Result<(), Error> {
    let sql = "INSERT INTO projection (one, through) VALUES (1, ?1)
               ON CONFLICT (one) DO UPDATE SET through = excluded.through";
    tx.prepare_cached(sql)?.execute([index(last)?]).map(drop)
}

pub(super) fn through(connection: &rusqlite::Connection) -> Result<Option<EntryIndex>, Error> {
    let sql = "SELECT through FROM projection WHERE one = 1";
    connection.prepare_cached(sql)?.query_row([], |row| super::value::get_index(row, 0)).optional()
}

fn apply(tx: &Transaction<'_>, seen: &mut Seen, at: EntryIndex, entry: &Entry, body: &[u8]) -> Result<(), Error> {
    let purl = entry.resource.purl.as_ref();
    let sql =
        "INSERT INTO entry (idx, ecosystem, project, version, digest, run, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    tx.prepare_cached(sql)?.execute(params![
        index(at)?,
        purl.map(|purl| purl.ecosystem().as_str()),
        purl.map(Purl::name),
        purl.and_then(Purl::version),
        entry.resource.digest.as_ref().map(|digest| digest.as_bytes().as_slice()),
        entry.context.run.map(|run| run.to_string()),
        body,
    ])?;
    super::estate::apply(tx, seen, at, entry)?;
    let Some(purl) = purl else { return Ok(()) };
    match entry.gate {
        Gate::Control => decide(tx, at, entry, purl),
        Gate::Intake => {
            if let Some(purl) = served(entry) {
                seen.serve(purl, uploaded(entry).map(time), time(time_of(entry)));
            }
            settle(tx, seen, at, entry, purl)?;
            seen.write_if_many(tx)
        }
        Gate::Runtime | Gate::Egress | Gate::Vault => Ok(()),
    }
}

fn decide(tx: &Transaction<'_>, at: EntryIndex, entry: &Entry, purl: &Purl) -> Result<(), Error> {
    let released = match entry.action {
        Action::ReviewRelease => true,
        Action::ReviewReject => false,
        _ => return Ok(()),
    };
    let Some(note) = review_note(entry).filter(|note| !released || note.expires.is_some()) else {
        tracing::error!(entry = %at, "a review without owner, reason or expiry decides nothing");
        return Ok(());
    };
    let sql = "INSERT INTO decision
                   (entry, at, released, ecosystem, project, version, file, rule, owner, reason, expires)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    tx.prepare_cached(sql)?.execute(params![
        index(at)?,
        time(time_of(entry)),
        released,
        purl.ecosystem().as_str(),
        purl.name(),
        purl.version(),
        entry.resource.file,
        note.rule,
        note.owner,
        note.reason,
        note.expires.map(time),
    ])?;
    Ok(())
}

/// Opens an item for every rule that refuses, and closes those that no longer do.
fn settle(tx: &Transaction<'_>, seen: &mut Seen, at: EntryIndex, entry: &Entry, purl: &Purl) -> Result<(), Error> {
    let version = purl.version().unwrap_or_default();
    let file = entry.resource.file.as_deref().unwrap_or_default();
    if !entry.effect.passes() {
        let refusing = |effect: Effect| !effect.passes();
        let mut refused_by_rule = false;
        for reason in entry.reasons.iter().filter(|reason| reason.counts() && refusing(reason.effect)) {
            hold(tx, at, entry, purl, Refusal { rule: &reason.rule, effect: reason.effect, text: &reason.text })?;
            refused_by_rule = true;
        }
        if !refused_by_rule {
            hold(tx, at, entry, purl, Refusal { rule: DEFAULT_RULE, effect: entry.effect, text: "" })?;
        }
    }
    if !seen.may_be_open(purl, file, !entry.effect.passes()) {
        return Ok(());
    }
    let sql = "UPDATE held SET open = 0 WHERE ecosystem = ?1 AND project = ?2 AND version = ?3 AND file = ?4
                                          AND open = 1 AND last_entry < ?5";
    let ecosystem = purl.ecosystem().as_str();
    tx.prepare_cached(sql)?.execute(params![ecosystem, purl.name(), version, file, index(at)?])?;
    Ok(())
}

struct Refusal<'a> {
    rule: &'a str,
    effect: Effect,
    text: &'a str,
}

fn hold(tx: &Transaction<'_>, at: EntryIndex, entry: &Entry, purl: &Purl, refusal: Refusal<'_>) -> Result<(), Error> {
    // A listing's digest is of what it withholds, not of a file.
    let digest = entry.resource.digest.as_ref().filter(|_| entry.action != Action::List);
    let sql = "INSERT INTO held (ecosystem, project, version, file, rule, open, effect, text, digest, uploaded,
                                 count, first_asked, last_asked, last_entry)
               VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, ?9, 1, ?10, ?10, ?11)
               ON CONFLICT (ecosystem, project, version, file, rule) DO UPDATE SET
                   count = CASE WHEN open = 1 THEN count + 1 ELSE 1 END,
                   first_asked = CASE WHEN open = 1 THEN first_asked ELSE excluded.first_asked END,
                   open = 1, effect = excluded.effect, text = excluded.text,
                   digest = coalesce(excluded.digest, digest), uploaded = coalesce(excluded.uploaded, uploaded),
                   last_asked = excluded.last_asked, last_entry = excluded.last_entry
               RETURNING id, count";
    let (id, count): (i64, i64) = tx.prepare_cached(sql)?.query_row(
        params![
            purl.ecosystem().as_str(),
            purl.name(),
            purl.version().unwrap_or_default(),
            entry.resource.file.as_deref().unwrap_or_default(),
            refusal.rule,
            refusal.effect.as_str(),
            refusal.text,
            digest.map(|digest| digest.as_bytes().as_slice()),
            uploaded(entry).map(time),
            time(time_of(entry)),
            index(at)?,
        ],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if count == 1 {
        tx.prepare_cached("DELETE FROM held_principal WHERE held = ?1")?.execute([id])?;
    }
    let sql = "INSERT INTO held_principal (held, principal) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    tx.prepare_cached(sql)?.execute(params![id, entry.principal.as_str()])?;
    Ok(())
}
