//! The graph's look-ups. Each is one statement that follows an index: `tests/plan.rs` pins every plan, because SQLite
//! would otherwise sometimes read or index a whole table (measured 25 times slower at 11 million rows).

use std::path::Path;

use bulkhead_core::Sha256;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Params, Result, Row, ToSql, params};

use super::value::{get_count, get_digest, get_time, get_time_if, time, undecodable};
use super::{classify, projection};
use crate::store::StoreError;
use crate::store::graph::{
    AssetRow, BuildRow, Graph, How, Installed, Kind, Presence, Pull, Relation, RunRow, Span, Step, ThingId,
};

pub(super) const FIND: &str = "SELECT id FROM thing WHERE kind = ?1 AND name = ?2";
pub(super) const RELEASES: &str = "SELECT id FROM thing WHERE kind = 2 AND name >= ?1 AND name < ?2 ORDER BY name";
/// Everything above the seeds. A step is one row however many ways lead to it, so cycles end.
pub(super) const CLOSURE: &str = "
WITH RECURSIVE tainted(id, origin, how, entry) AS (
    SELECT value, NULL, 'asked', NULL FROM json_each(?1)
    UNION SELECT member.outer, member.inside, 'contains', member.entry
          FROM tainted CROSS JOIN member WHERE member.inside = tainted.id
    UNION SELECT link.dst, link.src, link.how, link.entry
          FROM tainted CROSS JOIN link WHERE link.src = tainted.id
)
SELECT id, origin, how, entry FROM tainted LIMIT ?2";
pub(super) const LINKED_BACK: &str = "SELECT src, entry FROM link INDEXED BY link_back WHERE dst = ?1 AND how = 'of'";
pub(super) const LINKED: &str = "SELECT dst, entry FROM link WHERE src = ?1 AND how = 'of' ORDER BY dst";
pub(super) const CONTENTS: &str = "SELECT entry FROM contents WHERE outer = ?1";
pub(super) const PATHS: &str = "SELECT path FROM member WHERE inside = ?1 AND outer = ?2 ORDER BY path";
pub(super) const PULLS: &str = "SELECT artifact, at, principal, address, entry FROM pull
    WHERE artifact = ?1 AND at >= ?2 AND at <= ?3 ORDER BY at, entry";
pub(super) const PULLS_BY: &str = "SELECT artifact, at, principal, NULL, entry FROM pull INDEXED BY pull_principal
    WHERE principal = ?1 AND at >= ?2 AND at <= ?3 ORDER BY at, entry";
pub(super) const PRESENCES: &str = "
SELECT environment.host, environment.name, environment.principal, presence.since, presence.first, environment.last,
       presence.gone, presence.entry, environment.entry, presence.gone_entry
FROM presence CROSS JOIN environment ON environment.id = presence.environment
WHERE presence.artifact = ?1 ORDER BY presence.environment, presence.first";
pub(super) const BUILD: &str = "SELECT name, at, host, principal, entry FROM build WHERE output = ?1";
const RUN: &str =
    "run.id, thing.name, run.host, run.principal, run.environment, run.began, run.ended, run.entry, run.last_entry";
pub(super) const USES: &str = "SELECT run_use.thing, thing.kind, thing.name, run_use.entry
    FROM run_use CROSS JOIN thing ON thing.id = run_use.thing WHERE run_use.run = ?1 ORDER BY thing.kind, thing.name";
pub(super) const HOSTS_OF: &str = "SELECT host, entry FROM speaks_for WHERE principal = ?1 ORDER BY host";
pub(super) const ASSETS: &str = "
SELECT asset.thing, thing.name, asset.owner, asset.people, asset.records, asset.categories, asset.entry
FROM asset INDEXED BY asset_kind CROSS JOIN thing ON thing.id = asset.thing WHERE asset.kind = ?1 ORDER BY asset.thing";
pub(super) const RELATED: &str = "SELECT dst, entry FROM relation WHERE src = ?1 AND how = ?2 ORDER BY dst";
pub(super) const RELATED_TO: &str =
    "SELECT src, entry FROM relation INDEXED BY relation_back WHERE dst = ?1 AND how = ?2 ORDER BY src";

/// Runs by the longest of their host: what began before `from` minus that has ended before `from`. Open ones apart.
pub(super) fn runs_on() -> [String; 2] {
    [
        format!(
            "SELECT {RUN} FROM run INDEXED BY run_host CROSS JOIN thing ON thing.id = run.id
             WHERE run.host = ?1 AND run.began >= ?2 - coalesce((SELECT length FROM run_longest WHERE host = ?1), 0)
               AND run.began <= ?3 AND run.ended >= ?2"
        ),
        format!(
            "SELECT {RUN} FROM run INDEXED BY run_open CROSS JOIN thing ON thing.id = run.id
             WHERE run.host = ?1 AND run.began <= ?3 AND run.ended IS NULL AND ?2 <= ?3"
        ),
    ]
}

pub(super) fn runs_of() -> String {
    format!(
        "SELECT {RUN} FROM run INDEXED BY run_environment CROSS JOIN thing ON thing.id = run.id
         WHERE run.environment = ?1 AND run.began <= ?3 AND coalesce(run.ended, ?3) >= ?2"
    )
}

pub(super) fn runs_by() -> String {
    format!(
        "SELECT {RUN} FROM run INDEXED BY run_principal CROSS JOIN thing ON thing.id = run.id
         WHERE run.principal = ?1 AND run.began <= ?3 AND coalesce(run.ended, ?3) >= ?2"
    )
}

pub(super) fn runs_using() -> String {
    format!(
        "SELECT {RUN}, run_use.entry FROM run_use INDEXED BY run_use_thing
         CROSS JOIN run ON run.id = run_use.run CROSS JOIN thing ON thing.id = run.id
         WHERE run_use.thing = ?1 AND run_use.began <= ?3 AND coalesce(run.ended, ?3) >= ?2"
    )
}

/// Look-ups on one connection, inside one transaction.
pub(super) struct Look<'a> {
    path: &'a Path,
    connection: &'a Connection,
}

impl<'a> Look<'a> {
    pub(super) fn new(path: &'a Path, connection: &'a Connection) -> Self {
        Self { path, connection }
    }

    fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let ask = || -> Result<Vec<T>> { self.connection.prepare_cached(sql)?.query_map(params, row)?.collect() };
        ask().map_err(|cause| classify(self.path, "look at the graph", cause))
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let ask = || self.connection.prepare_cached(sql)?.query_row(params, row).optional();
        ask().map_err(|cause| classify(self.path, "look at the graph", cause))
    }

    fn pairs(&self, sql: &str, params: &[&dyn ToSql]) -> Result<Vec<(ThingId, u64)>, StoreError> {
        self.all(sql, params, |row| Ok((ThingId(row.get(0)?), get_count(row, 1)?)))
    }

    fn runs(&self, sql: &str, of: ThingId, span: Span) -> Result<Vec<RunRow>, StoreError> {
        self.all(sql, params![of.0, time(span.from), time(span.to)], run)
    }
}

impl Graph for Look<'_> {
    fn size(&self) -> Result<u64, StoreError> {
        let through = projection::through(self.connection);
        let through = through.map_err(|cause| classify(self.path, "read how far it is projected", cause))?;
        Ok(through.map_or(0, |last| last.0 + 1))
    }

    fn find(&self, kind: Kind, name: &str) -> Result<Option<ThingId>, StoreError> {
        let bytes = match kind {
            Kind::File => match name.parse::<Sha256>() {
                Ok(digest) => digest.as_bytes().to_vec(),
                Err(_) => return Ok(None),
            },
            _ => name.as_bytes().to_vec(),
        };
        self.one(FIND, params![kind as i64, bytes], |row| row.get(0).map(ThingId))
    }

    fn releases(&self, prefix: &str) -> Result<Vec<ThingId>, StoreError> {
        let mut end = prefix.as_bytes().to_vec();
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        self.all(RELEASES, params![prefix.as_bytes(), end], |row| row.get(0).map(ThingId))
    }

    fn name(&self, id: ThingId) -> Result<(Kind, String), StoreError> {
        let found = self.one("SELECT kind, name FROM thing WHERE id = ?1", [id.0], |row| named(row, 0))?;
        Ok(found.unwrap_or_else(|| (Kind::File, format!("thing {}", id.0))))
    }

    fn closure(&self, seeds: &[ThingId], limit: usize) -> Result<Vec<Step>, StoreError> {
        let seeds: Vec<i64> = seeds.iter().map(|id| id.0).collect();
        let seeds = serde_json::to_string(&seeds).unwrap_or_else(|_| "[]".to_owned());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        self.all(CLOSURE, params![seeds, limit], |row| {
            let word: String = row.get(2)?;
            let how = match word.as_str() {
                "asked" => How::Asked,
                "contains" => How::Contains,
                "of" => How::OfRelease,
                "embeds" => How::Embeds,
                other => return Err(undecodable(2, Type::Text, format!("`{other}` is no way to be tainted"))),
            };
            let entry = row.get::<_, Option<i64>>(3)?.and_then(|entry| u64::try_from(entry).ok());
            Ok(Step { id: ThingId(row.get(0)?), from: row.get::<_, Option<i64>>(1)?.map(ThingId), how, entry })
        })
    }

    fn releases_of(&self, file: ThingId) -> Result<Vec<(ThingId, u64)>, StoreError> {
        self.pairs(LINKED_BACK, params![file.0])
    }

    fn contents(&self, file: ThingId) -> Result<Option<u64>, StoreError> {
        self.one(CONTENTS, [file.0], |row| get_count(row, 0))
    }

    fn paths(&self, inside: ThingId, outer: ThingId) -> Result<Vec<String>, StoreError> {
        self.all(PATHS, [inside.0, outer.0], |row| row.get(0))
    }

    fn pulls(&self, artifact: ThingId, span: Span) -> Result<Vec<Pull>, StoreError> {
        self.all(PULLS, params![artifact.0, time(span.from), time(span.to)], pull)
    }

    fn pulls_by(&self, principal: ThingId, span: Span) -> Result<Vec<Pull>, StoreError> {
        self.all(PULLS_BY, params![principal.0, time(span.from), time(span.to)], pull)
    }

    fn presences(&self, artifact: ThingId) -> Result<Vec<Presence>, StoreError> {
        self.all(PRESENCES, [artifact.0], |row| {
            let mut entries = vec![get_count(row, 7)?, get_count(row, 8)?];
            entries.extend(row.get::<_, Option<i64>>(9)?.and_then(|entry| u64::try_from(entry).ok()));
            Ok(Presence {
                host: ThingId(row.get(0)?),
                environment: row.get(1)?,
                principal: ThingId(row.get(2)?),
                since: get_time_if(row, 3)?,
                first: get_time(row, 4)?,
                last: get_time(row, 5)?,
                gone: get_time_if(row, 6)?,
                entries,
            })
        })
    }

    fn build(&self, output: ThingId) -> Result<Option<BuildRow>, StoreError> {
        self.one(BUILD, [output.0], |row| {
            Ok(BuildRow {
                name: row.get(0)?,
                at: get_time(row, 1)?,
                host: row.get::<_, Option<i64>>(2)?.map(ThingId),
                principal: ThingId(row.get(3)?),
                entry: get_count(row, 4)?,
            })
        })
    }

    fn runs_of(&self, environment: ThingId, span: Span) -> Result<Vec<RunRow>, StoreError> {
        self.runs(&runs_of(), environment, span)
    }

    fn runs_on(&self, host: ThingId, span: Span) -> Result<Vec<RunRow>, StoreError> {
        let [ended, open] = runs_on();
        let mut runs = self.runs(&ended, host, span)?;
        runs.extend(self.runs(&open, host, span)?);
        Ok(runs)
    }

    fn runs_by(&self, principal: ThingId, span: Span) -> Result<Vec<RunRow>, StoreError> {
        self.runs(&runs_by(), principal, span)
    }

    fn runs_using(&self, thing: ThingId, span: Span) -> Result<Vec<(RunRow, u64)>, StoreError> {
        let params = params![thing.0, time(span.from), time(span.to)];
        self.all(&runs_using(), params, |row| Ok((run(row)?, get_count(row, 9)?)))
    }

    fn uses(&self, run: ThingId) -> Result<Vec<(ThingId, Kind, String, u64)>, StoreError> {
        self.all(USES, [run.0], |row| {
            let (kind, name) = named(row, 1)?;
            Ok((ThingId(row.get(0)?), kind, name, get_count(row, 3)?))
        })
    }

    fn names(&self, kind: Kind) -> Result<Vec<String>, StoreError> {
        self.all("SELECT name FROM thing WHERE kind = ?1 ORDER BY id", [kind as i64], |row| text(row, 0))
    }

    fn own_hosts(&self, principal: ThingId) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT thing.name FROM speaks_for CROSS JOIN thing ON thing.id = speaks_for.host
                   WHERE speaks_for.principal = ?1 AND NOT EXISTS
                       (SELECT 1 FROM speaks_for AS other WHERE other.host = thing.id AND other.principal <> ?1)
                   ORDER BY thing.id";
        self.all(sql, [principal.0], |row| text(row, 0))
    }

    fn hosts_of(&self, principal: ThingId) -> Result<Vec<(ThingId, u64)>, StoreError> {
        self.pairs(HOSTS_OF, params![principal.0])
    }

    fn assets(&self, kind: Kind) -> Result<Vec<AssetRow>, StoreError> {
        let count = |row: &Row<'_>, column| {
            Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.and_then(|count| u64::try_from(count).ok()))
        };
        self.all(ASSETS, [kind as i64], |row| {
            let categories: String = row.get(5)?;
            Ok(AssetRow {
                id: ThingId(row.get(0)?),
                name: text(row, 1)?,
                owner: row.get(2)?,
                people: count(row, 3)?,
                records: count(row, 4)?,
                categories: serde_json::from_str(&categories).map_err(|cause| undecodable(5, Type::Text, cause))?,
                entry: get_count(row, 6)?,
            })
        })
    }

    fn related(&self, from: ThingId, how: Relation) -> Result<Vec<(ThingId, u64)>, StoreError> {
        self.pairs(RELATED, params![from.0, how.word()])
    }

    fn related_to(&self, to: ThingId, how: Relation) -> Result<Vec<(ThingId, u64)>, StoreError> {
        self.pairs(RELATED_TO, params![to.0, how.word()])
    }

    fn unread(&self) -> Result<Vec<(u64, String)>, StoreError> {
        self.all("SELECT entry, why FROM unread ORDER BY entry", [], |row| Ok((get_count(row, 0)?, row.get(1)?)))
    }

    fn unindexed(&self) -> Result<(u64, Vec<u64>), StoreError> {
        let count = self.one("SELECT count(*) FROM unindexed", [], |row| get_count(row, 0))?;
        let first = self.all("SELECT entry FROM unindexed ORDER BY entry LIMIT 10", [], |row| get_count(row, 0))?;
        Ok((count.unwrap_or(0), first))
    }

    fn inside(&self) -> Result<Vec<(ThingId, String)>, StoreError> {
        // A release that was only written into a contents entry was judged, not received.
        let sql = "SELECT id, name FROM thing WHERE kind = 2 AND (
                       EXISTS (SELECT 1 FROM link CROSS JOIN pull ON pull.artifact = link.dst
                               WHERE link.src = thing.id AND link.how = 'of')
                    OR EXISTS (SELECT 1 FROM link CROSS JOIN presence ON presence.artifact = link.dst
                               WHERE link.src = thing.id AND link.how = 'of')
                    OR EXISTS (SELECT 1 FROM presence WHERE presence.artifact = thing.id))
                   ORDER BY name";
        self.all(sql, [], |row| Ok((ThingId(row.get(0)?), text(row, 1)?)))
    }

    fn files_of(&self, release: ThingId) -> Result<Vec<(ThingId, u64)>, StoreError> {
        self.pairs(LINKED, params![release.0])
    }

    fn raised(&self, artifact: ThingId) -> Result<Vec<String>, StoreError> {
        self.all("SELECT advisory FROM alarm WHERE artifact = ?1 ORDER BY advisory", [artifact.0], |row| row.get(0))
    }

    fn marked(&self) -> Result<Vec<(ThingId, String, bool, String)>, StoreError> {
        let sql = "SELECT thing.id, advisory.osv, advisory.malicious, advisory.summary
                   FROM advisory_file CROSS JOIN thing ON thing.kind = 1 AND thing.name = advisory_file.digest
                   CROSS JOIN advisory ON advisory.id = advisory_file.advisory
                   CROSS JOIN feed ON feed.id = advisory.feed AND feed.active = 1
                   ORDER BY thing.id, advisory.osv";
        self.all(sql, [], |row| Ok((ThingId(row.get(0)?), row.get(1)?, row.get(2)?, row.get(3)?)))
    }

    fn refused(&self, artifact: ThingId) -> Result<Vec<(String, String)>, StoreError> {
        let sql = "SELECT rule, text FROM refused WHERE artifact = ?1 ORDER BY rule";
        self.all(sql, [artifact.0], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    fn daily(&self, from: i64) -> Result<Vec<(i64, String, u64)>, StoreError> {
        let sql = "SELECT day, what, count FROM daily WHERE day >= ?1 ORDER BY day, what";
        self.all(sql, [from], |row| Ok((row.get(0)?, row.get(1)?, get_count(row, 2)?)))
    }

    fn alarms(&self) -> Result<Vec<(String, String, u64)>, StoreError> {
        let sql =
            "SELECT thing.name, alarm.advisory, alarm.entry FROM alarm CROSS JOIN thing ON thing.id = alarm.artifact
                   ORDER BY alarm.entry DESC LIMIT 100";
        self.all(sql, [], |row| Ok((text(row, 0)?, row.get(1)?, get_count(row, 2)?)))
    }

    fn environments(&self) -> Result<Vec<(String, String, Timestamp, u64)>, StoreError> {
        let sql = "SELECT thing.name, environment.name, environment.last, environment.entry
                   FROM environment CROSS JOIN thing ON thing.id = environment.host ORDER BY thing.name, environment.name";
        self.all(sql, [], |row| Ok((text(row, 0)?, row.get(1)?, get_time(row, 2)?, get_count(row, 3)?)))
    }

    fn installed(&self, host: &str, environment: &str) -> Result<Vec<Installed>, StoreError> {
        let sql = "SELECT thing.kind, thing.name,
                          (SELECT release.name FROM link CROSS JOIN thing AS release ON release.id = link.src
                           WHERE link.dst = thing.id AND link.how = 'of' ORDER BY link.src LIMIT 1)
                   FROM environment CROSS JOIN presence ON presence.environment = environment.id
                   CROSS JOIN thing ON thing.id = presence.artifact
                   WHERE environment.host = (SELECT id FROM thing WHERE kind = 3 AND name = ?1)
                     AND environment.name = ?2 AND presence.gone IS NULL ORDER BY thing.kind, thing.name";
        self.all(sql, params![host.as_bytes(), environment], |row| {
            let (kind, name) = named(row, 0)?;
            let release: Option<Vec<u8>> = row.get(2)?;
            let release = release.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            Ok(if kind == Kind::Release { (Some(name), None) } else { (release, Some(name)) })
        })
    }

    fn scanned(&self, host: &str, environment: &str) -> Result<Option<Sha256>, StoreError> {
        let sql = "SELECT digest FROM environment
                   WHERE host = (SELECT id FROM thing WHERE kind = 3 AND name = ?1) AND name = ?2 AND length(digest) = 32";
        self.one(sql, params![host.as_bytes(), environment], |row| get_digest(row, 0))
    }
}

fn run(row: &Row<'_>) -> Result<RunRow> {
    let (first, last) = (get_count(row, 7)?, get_count(row, 8)?);
    let name = text(row, 1)?;
    Ok(RunRow {
        id: ThingId(row.get(0)?),
        run: name.parse().map_err(|cause| undecodable(1, Type::Blob, cause))?,
        host: ThingId(row.get(2)?),
        principal: ThingId(row.get(3)?),
        environment: row.get::<_, Option<i64>>(4)?.map(ThingId),
        began: get_time(row, 5)?,
        ended: get_time_if(row, 6)?,
        entries: if first == last { vec![first] } else { vec![first, last] },
    })
}

fn pull(row: &Row<'_>) -> Result<Pull> {
    Ok(Pull {
        artifact: ThingId(row.get(0)?),
        at: get_time(row, 1)?,
        principal: ThingId(row.get(2)?),
        address: row.get(3)?,
        entry: get_count(row, 4)?,
    })
}

/// Kind and name from two columns.
fn named(row: &Row<'_>, column: usize) -> Result<(Kind, String)> {
    let number: i64 = row.get(column)?;
    let kind = Kind::ALL.into_iter().find(|kind| *kind as i64 == number);
    let kind = kind.ok_or_else(|| undecodable(column, Type::Integer, format!("{number} is no kind of thing")))?;
    let name = if kind == Kind::File { get_digest(row, column + 1)?.to_hex() } else { text(row, column + 1)? };
    Ok((kind, name))
}

fn text(row: &Row<'_>, column: usize) -> Result<String> {
    let bytes: Vec<u8> = row.get(column)?;
    String::from_utf8(bytes).map_err(|cause| undecodable(column, Type::Blob, cause))
}
