//! Entries about the estate into the tables that exposure walks. As in the other projections, nothing outside the
//! entries has a part in it, so that a rebuild, and a receiver's own mirror, give the same rows.

use std::cell::RefCell;

use bulkhead_core::{Action, Effect, EntryIndex, Gate, Purl, Sha256};
use bulkhead_ledger::Entry;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Result, Transaction, params};

use super::seen::{PullRow, Seen};
use super::value::{index, time};
use crate::store::detail;
use crate::store::entry::time_of;
use crate::store::graph::{Kind, Relation, of_asset};
use crate::store::record::{Asset, ItemLine, MemberLine, Part, Record, Use};

pub(super) fn apply(tx: &Transaction<'_>, seen: &mut Seen, at: EntryIndex, entry: &Entry) -> Result<()> {
    let seen = RefCell::new(seen);
    let estate = Estate { tx, seen, at: index(at)?, when: time(time_of(entry)), entry };
    if entry.gate != Gate::Control && entry.action != Action::List {
        estate.count()?;
    }
    match Record::read(entry) {
        Some(Ok((record, part))) => estate.record(&record, part),
        Some(Err(why)) => estate.unread(&why),
        None if entry.gate == Gate::Intake && entry.action == Action::Fetch && entry.effect.passes() => estate.pull(),
        None if entry.action == Action::Alarm => estate.alarm(),
        None if entry.action == Action::Rejudge => estate.rejudged(),
        None => Ok(()),
    }
}

struct Estate<'a> {
    tx: &'a Transaction<'a>,
    /// Borrowed for one look-up or one note at a time.
    seen: RefCell<&'a mut Seen>,
    at: i64,
    when: i64,
    entry: &'a Entry,
}

impl Estate<'_> {
    fn record(&self, record: &Record, part: Part) -> Result<()> {
        match record {
            Record::Contents { purl, of, members } => self.contents(purl.as_ref(), of, members, part),
            Record::Inventory { host, environment, digest, items, unchanged } => {
                self.inventory(host, environment, digest, items, *unchanged, part)
            }
            Record::Build { output, name, at, host, inputs } => self.build(output, name, *at, host.as_deref(), inputs),
            Record::Run { .. } => self.run(record),
            Record::Assets { assets } => self.assets(assets, part),
        }
    }

    fn count(&self) -> Result<()> {
        let what = match self.entry.effect {
            Effect::Allow | Effect::Transform if self.entry.action != Action::Metadata => "in",
            Effect::Allow | Effect::Transform => return Ok(()),
            Effect::Hold => "held",
            Effect::Deny => "refused",
        };
        self.seen.borrow_mut().count(self.when / 86_400_000_000, what);
        Ok(())
    }

    fn unread(&self, why: &str) -> Result<()> {
        tracing::error!(entry = self.at, why, "an entry's record cannot be read; every answer names it as a gap");
        let sql = "INSERT OR REPLACE INTO unread (entry, why) VALUES (?1, ?2)";
        self.tx.prepare_cached(sql)?.execute(params![self.at, why])?;
        Ok(())
    }

    fn pull(&self) -> Result<()> {
        let Some(digest) = &self.entry.resource.digest else { return Ok(()) };
        let artifact = self.file(digest)?;
        self.of_release(self.entry.resource.purl.as_ref(), artifact)?;
        let principal = self.principal()?;
        let address = self.entry.context.address.as_deref().map(Into::into);
        self.seen.borrow_mut().pull(PullRow { artifact, at: self.when, entry: self.at, principal, address });
        if !self.seen.borrow_mut().is_new_file(artifact) {
            return Ok(());
        }
        let sql = "INSERT OR IGNORE INTO unindexed (artifact, entry)
                   SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM contents WHERE outer = ?1)";
        self.tx.prepare_cached(sql)?.execute([artifact, self.at])?;
        Ok(())
    }

    fn alarm(&self) -> Result<()> {
        let (Some(purl), Some(advisory)) = (&self.entry.resource.purl, self.entry.detail.get("advisory")) else {
            return self.unread("an alarm names no release or no advisory");
        };
        let artifact = self.thing(Kind::Release, purl.to_string().as_bytes())?;
        let sql = "INSERT OR IGNORE INTO alarm (artifact, advisory, entry) VALUES (?1, ?2, ?3)";
        self.tx.prepare_cached(sql)?.execute(params![artifact, advisory, self.at])?;
        Ok(())
    }

    /// One refusal of a run that judges everything again, or the run's end.
    fn rejudged(&self) -> Result<()> {
        let Some(purl) = &self.entry.resource.purl else {
            self.tx.execute("DELETE FROM refused WHERE closed = 1", [])?;
            self.tx.execute("UPDATE refused SET closed = 1", [])?;
            return Ok(());
        };
        // What could not be judged is not found out: the hold ends when the source is back.
        if self.entry.effect == Effect::Hold && self.entry.detail.contains_key(detail::UNKNOWN) {
            return Ok(());
        }
        let artifact = self.thing(Kind::Release, purl.to_string().as_bytes())?;
        let sql = "INSERT OR REPLACE INTO refused (artifact, rule, text, entry, closed) VALUES (?1, ?2, ?3, ?4, 0)";
        for reason in self.entry.reasons.iter().filter(|reason| reason.counts() && !reason.effect.passes()) {
            self.tx.prepare_cached(sql)?.execute(params![artifact, reason.rule, reason.text, self.at])?;
        }
        Ok(())
    }

    fn contents(&self, purl: Option<&Purl>, of: &Sha256, members: &[MemberLine], part: Part) -> Result<()> {
        let outer = self.file(of)?;
        self.of_release(purl, outer)?;
        let sql = "INSERT OR IGNORE INTO member (inside, outer, path, entry) VALUES (?1, ?2, ?3, ?4)";
        let mut insert = self.tx.prepare_cached(sql)?;
        for member in members {
            insert.execute(params![self.file(&member.digest)?, outer, member.path, self.at])?;
        }
        if part.number == part.of {
            let sql = "INSERT OR IGNORE INTO contents (outer, entry) VALUES (?1, ?2)";
            self.tx.prepare_cached(sql)?.execute([outer, self.at])?;
            self.tx.prepare_cached("DELETE FROM unindexed WHERE artifact = ?1")?.execute([outer])?;
        }
        Ok(())
    }

    fn inventory(
        &self,
        host: &str,
        environment: &str,
        digest: &Sha256,
        items: &[ItemLine],
        unchanged: bool,
        part: Part,
    ) -> Result<()> {
        let (host, principal) = (self.thing(Kind::Host, host.as_bytes())?, self.principal()?);
        self.speaks_for(principal, host)?;
        let sql = "SELECT id, last, digest FROM environment WHERE host = ?1 AND name = ?2";
        let row =
            |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?));
        let known = self.tx.prepare_cached(sql)?.query_row(params![host, environment], row).optional()?;
        if unchanged {
            let same = known.as_ref().filter(|(_, _, last)| last.as_slice() == digest.as_bytes().as_slice());
            let Some((id, ..)) = same else {
                return self.unread("an inventory says that it is unchanged, and the one before is another");
            };
            let sql = "UPDATE environment SET last = ?2, entry = ?3, principal = ?4 WHERE id = ?1";
            self.tx.prepare_cached(sql)?.execute(params![id, self.when, self.at, principal])?;
            return Ok(());
        }
        let (id, since) = match known {
            // Without a digest the environment's first scan is still coming in.
            Some((id, last, digest)) => (id, (!digest.is_empty()).then_some(last)),
            None => {
                let sql = "INSERT INTO environment (host, name, principal, digest, first, last, entry, scan)
                           VALUES (?1, ?2, ?3, x'', ?4, ?4, ?5, ?5)";
                self.tx.prepare_cached(sql)?.execute(params![host, environment, principal, self.when, self.at])?;
                (self.tx.last_insert_rowid(), None)
            }
        };
        // Parts of one scan follow each other without another scan of the environment in between (the recorder sees to
        // that), though other entries may come between them: the entry of the first part names the scan.
        if part.number == 1 {
            self.tx.prepare_cached("UPDATE environment SET scan = ?2 WHERE id = ?1")?.execute([id, self.at])?;
        }
        let sql = "SELECT scan FROM environment WHERE id = ?1";
        let scan: i64 = self.tx.prepare_cached(sql)?.query_row([id], |row| row.get(0))?;
        for item in items {
            let artifact = self.item(item)?;
            self.present(artifact, id, since, scan)?;
        }
        if part.number == part.of {
            let sql =
                "UPDATE presence SET gone = ?2, gone_entry = ?3 WHERE environment = ?1 AND gone IS NULL AND seen < ?4";
            self.tx.prepare_cached(sql)?.execute(params![id, self.when, self.at, scan])?;
            let sql = "UPDATE environment SET last = ?2, entry = ?3, principal = ?4, digest = ?5 WHERE id = ?1";
            let digest = digest.as_bytes().as_slice();
            self.tx.prepare_cached(sql)?.execute(params![id, self.when, self.at, principal, digest])?;
        }
        Ok(())
    }

    fn present(&self, artifact: i64, environment: i64, since: Option<i64>, scan: i64) -> Result<()> {
        let sql = "UPDATE presence SET seen = ?3 WHERE environment = ?2 AND gone IS NULL AND artifact = ?1";
        if self.tx.prepare_cached(sql)?.execute([artifact, environment, scan])? > 0 {
            return Ok(());
        }
        let sql = "INSERT OR IGNORE INTO presence (artifact, environment, first, since, entry, seen)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.tx.prepare_cached(sql)?.execute(params![artifact, environment, self.when, since, self.at, scan])?;
        Ok(())
    }

    fn build(&self, output: &Sha256, name: &str, at: Timestamp, host: Option<&str>, inputs: &[ItemLine]) -> Result<()> {
        let (output, principal) = (self.file(output)?, self.principal()?);
        let host = host.map(|host| self.thing(Kind::Host, host.as_bytes())).transpose()?;
        if let Some(host) = host {
            self.speaks_for(principal, host)?;
        }
        let sql =
            "INSERT OR IGNORE INTO build (output, name, at, host, principal, entry) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.tx.prepare_cached(sql)?.execute(params![output, name, time(at), host, principal, self.at])?;
        for input in inputs {
            self.link(self.item(input)?, "embeds", output)?;
        }
        Ok(())
    }

    fn run(&self, record: &Record) -> Result<()> {
        let Record::Run { run, host, start, end, environment, uses } = record else { return Ok(()) };
        let (host, principal) = (self.thing(Kind::Host, host.as_bytes())?, self.principal()?);
        self.speaks_for(principal, host)?;
        let id = self.thing(Kind::Run, run.to_string().as_bytes())?;
        let environment = environment.as_ref().map(|digest| self.file(digest)).transpose()?;
        let (began, ended) = (time(*start), end.map(time));
        // A run is told of when it begins and when it ends: what the later entry adds is added, nothing is taken back.
        let sql = "INSERT INTO run (id, host, principal, environment, began, ended, entry, last_entry)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
                   ON CONFLICT (id) DO UPDATE SET
                       began = min(began, excluded.began), ended = coalesce(excluded.ended, ended),
                       environment = coalesce(environment, excluded.environment), last_entry = excluded.last_entry
                   RETURNING began, ended";
        let row = params![id, host, principal, environment, began, ended, self.at];
        let (began, ended): (i64, Option<i64>) =
            self.tx.prepare_cached(sql)?.query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let Some(ended) = ended {
            let sql = "INSERT INTO run_longest (host, length) VALUES (?1, ?2)
                       ON CONFLICT (host) DO UPDATE SET length = max(length, excluded.length)";
            self.tx.prepare_cached(sql)?.execute([host, ended.saturating_sub(began)])?;
        }
        let sql = "INSERT OR IGNORE INTO run_use (run, thing, began, entry) VALUES (?1, ?2, ?3, ?4)";
        for (what, name) in uses {
            let kind = match what {
                Use::Secret => Kind::Secret,
                Use::Dataset => Kind::Dataset,
                Use::Contact => Kind::Contact,
            };
            let thing = self.thing(kind, name.as_bytes())?;
            self.tx.prepare_cached(sql)?.execute([id, thing, began, self.at])?;
        }
        Ok(())
    }

    fn assets(&self, assets: &[Asset], part: Part) -> Result<()> {
        if part.number == 1 {
            self.tx.execute("DELETE FROM asset", [])?;
            self.tx.execute("DELETE FROM relation", [])?;
        }
        for asset in assets {
            let (kind, name) = of_asset(asset);
            let thing = self.thing(kind, name.as_bytes())?;
            let relate = |how: Relation, kind: Kind, names: &[String]| -> Result<()> {
                let sql = "INSERT OR IGNORE INTO relation (src, how, dst, entry) VALUES (?1, ?2, ?3, ?4)";
                for name in names {
                    let dst = self.thing(kind, name.as_bytes())?;
                    self.tx.prepare_cached(sql)?.execute(params![thing, how.word(), dst, self.at])?;
                }
                Ok(())
            };
            let (owner, people, records, categories) = match asset {
                Asset::Secret { owner, hosts, opens, .. } => {
                    relate(Relation::On, Kind::Host, hosts)?;
                    relate(Relation::Opens, Kind::Dataset, opens)?;
                    (owner.as_deref(), None, None, "[]".to_owned())
                }
                Asset::Dataset { owner, partners, people, records, categories, .. } => {
                    relate(Relation::SharedWith, Kind::Partner, partners)?;
                    let categories = serde_json::to_string(categories).unwrap_or_else(|_| "[]".to_owned());
                    (owner.as_deref(), *people, *records, categories)
                }
                Asset::Partner { owner, .. } => (owner.as_deref(), None, None, "[]".to_owned()),
                Asset::Grant { datasets, .. } => {
                    relate(Relation::Granted, Kind::Dataset, datasets)?;
                    continue;
                }
            };
            let count = |count: Option<u64>| count.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
            let sql = "INSERT OR REPLACE INTO asset (thing, kind, owner, people, records, categories, entry)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let row = params![thing, kind as i64, owner, count(people), count(records), categories, self.at];
            self.tx.prepare_cached(sql)?.execute(row)?;
        }
        Ok(())
    }

    /// A thing's number: the next one when it is new, so that it follows from the order of the entries.
    fn thing(&self, kind: Kind, name: &[u8]) -> Result<i64> {
        if let Some(id) = self.seen.borrow().thing(kind, name) {
            return Ok(id);
        }
        let id = self.look_up(kind, name)?;
        self.seen.borrow_mut().note_thing(kind, name, id);
        Ok(id)
    }

    fn look_up(&self, kind: Kind, name: &[u8]) -> Result<i64> {
        let sql = "SELECT id FROM thing WHERE kind = ?1 AND name = ?2";
        if let Some(id) =
            self.tx.prepare_cached(sql)?.query_row(params![kind as i64, name], |row| row.get(0)).optional()?
        {
            return Ok(id);
        }
        self.tx
            .prepare_cached("INSERT INTO thing (kind, name) VALUES (?1, ?2)")?
            .execute(params![kind as i64, name])?;
        Ok(self.tx.last_insert_rowid())
    }

    fn file(&self, digest: &Sha256) -> Result<i64> {
        self.thing(Kind::File, digest.as_bytes())
    }

    fn principal(&self) -> Result<i64> {
        self.thing(Kind::Principal, self.entry.principal.as_str().as_bytes())
    }

    /// The file when there is one, else the release.
    fn item(&self, item: &ItemLine) -> Result<i64> {
        match (&item.digest, &item.purl) {
            (Some(digest), purl) => {
                let file = self.file(digest)?;
                self.of_release(purl.as_ref(), file)?;
                Ok(file)
            }
            (None, Some(purl)) => self.thing(Kind::Release, purl.to_string().as_bytes()),
            (None, None) => self.thing(Kind::Release, b"-"),
        }
    }

    fn of_release(&self, purl: Option<&Purl>, file: i64) -> Result<()> {
        match purl.filter(|purl| purl.version().is_some()) {
            Some(purl) => self.link(self.thing(Kind::Release, purl.to_string().as_bytes())?, "of", file),
            None => Ok(()),
        }
    }

    fn link(&self, src: i64, how: &'static str, dst: i64) -> Result<()> {
        if !self.seen.borrow_mut().is_new_link(src, how, dst) {
            return Ok(());
        }
        let sql = "INSERT OR IGNORE INTO link (src, how, dst, entry) VALUES (?1, ?2, ?3, ?4)";
        self.tx.prepare_cached(sql)?.execute(params![src, how, dst, self.at])?;
        Ok(())
    }

    fn speaks_for(&self, principal: i64, host: i64) -> Result<()> {
        if !self.seen.borrow_mut().is_new_link(principal, "speaks-for", host) {
            return Ok(());
        }
        let sql = "INSERT OR IGNORE INTO speaks_for (principal, host, entry) VALUES (?1, ?2, ?3)";
        self.tx.prepare_cached(sql)?.execute([principal, host, self.at])?;
        Ok(())
    }
}
