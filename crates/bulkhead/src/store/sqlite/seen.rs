//! What one transaction has looked up or written already: most entries are about things that others before were about,
//! and asking the database again for each costs more than everything else that is done with an entry. And what many entries
//! add to one row, or to places all over one tree, which is written once, at the end.
//!
//! It lives as long as the transaction, so that what is rolled back is forgotten with it. Nothing here decides anything:
//! without it the rows are the same.

use std::collections::{HashMap, HashSet};

use bulkhead_core::Purl;
use rusqlite::{Result, Transaction, params};

use crate::store::graph::Kind;

/// Things that are remembered at once; beyond, all are forgotten. At most some 20 MB.
const MOST: usize = 100_000;
/// Rows that wait to be written together. At most some 50 MB.
const WAITING: usize = 500_000;

#[derive(Default)]
pub(super) struct Seen {
    /// By kind.
    things: HashMap<i64, HashMap<Box<[u8]>, i64>>,
    remembered: usize,
    links: HashSet<(i64, &'static str, i64)>,
    received: HashSet<i64>,
    /// What the gates decided, by day.
    daily: HashMap<(i64, &'static str), i64>,
    served: HashMap<Purl, Served>,
    pulls: Vec<PullRow>,
    /// The files of which something is held open; nothing where that is not known of all.
    open: Option<HashSet<(Purl, Box<str>)>>,
}

/// Somebody received a file.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PullRow {
    pub(super) artifact: i64,
    pub(super) at: i64,
    pub(super) entry: i64,
    pub(super) principal: i64,
    pub(super) address: Option<Box<str>>,
}

/// How often a release was served.
struct Served {
    uploaded: Option<i64>,
    last: i64,
    count: i64,
}

impl Seen {
    /// For projecting into tables in which nothing is.
    pub(super) fn of_nothing() -> Self {
        Self { open: Some(HashSet::new()), ..Self::default() }
    }

    /// The number of a thing.
    pub(super) fn thing(&self, kind: Kind, name: &[u8]) -> Option<i64> {
        self.things.get(&(kind as i64))?.get(name).copied()
    }

    pub(super) fn note_thing(&mut self, kind: Kind, name: &[u8], id: i64) {
        if self.remembered >= MOST {
            self.things.clear();
            self.remembered = 0;
        }
        self.things.entry(kind as i64).or_default().insert(name.into(), id);
        self.remembered += 1;
    }

    /// Notes a link; false when it was there already. Links are never removed.
    pub(super) fn is_new_link(&mut self, src: i64, how: &'static str, dst: i64) -> bool {
        if self.links.len() >= MOST {
            self.links.clear();
        }
        self.links.insert((src, how, dst))
    }

    /// Notes that a file was received; false when it was before. Whether its contents are recorded was looked at then,
    /// and recorded contents stay.
    pub(super) fn is_new_file(&mut self, artifact: i64) -> bool {
        if self.received.len() >= MOST {
            self.received.clear();
        }
        self.received.insert(artifact)
    }

    /// Whether something of that file may be held open, before this entry or by it.
    pub(super) fn may_be_open(&mut self, purl: &Purl, file: &str, refused: bool) -> bool {
        let Some(open) = &mut self.open else { return true };
        let key = (purl.clone(), file.into());
        if refused { !open.insert(key) } else { open.remove(&key) }
    }

    /// Counts what a gate decided.
    pub(super) fn count(&mut self, day: i64, what: &'static str) {
        *self.daily.entry((day, what)).or_default() += 1;
    }

    /// Counts that a release was served.
    pub(super) fn serve(&mut self, purl: &Purl, uploaded: Option<i64>, at: i64) {
        match self.served.get_mut(purl) {
            Some(served) => {
                served.uploaded = served.uploaded.max(uploaded);
                served.last = served.last.max(at);
                served.count += 1;
            }
            None => drop(self.served.insert(purl.clone(), Served { uploaded, last: at, count: 1 })),
        }
    }

    /// Notes that a file was received by somebody.
    pub(super) fn pull(&mut self, pull: PullRow) {
        self.pulls.push(pull);
    }

    /// Writes what waits when there is much of it.
    pub(super) fn write_if_many(&mut self, tx: &Transaction<'_>) -> Result<()> {
        if self.pulls.len() >= WAITING || self.served.len() >= MOST { self.write(tx) } else { Ok(()) }
    }

    /// Writes what waits, in the order of the trees that it goes into.
    pub(super) fn write(&mut self, tx: &Transaction<'_>) -> Result<()> {
        self.pulls.sort_unstable();
        let sql = "INSERT OR IGNORE INTO pull (artifact, at, entry, principal, address) VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut insert = tx.prepare_cached(sql)?;
        for PullRow { artifact, at, entry, principal, address } in self.pulls.drain(..) {
            insert.execute(params![artifact, at, entry, principal, address])?;
        }
        // max() of two arguments is NULL when either is: coalesce each with the other.
        let sql = "INSERT INTO served (ecosystem, project, version, uploaded, last_served, count)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT (ecosystem, project, version) DO UPDATE SET
                       uploaded = max(coalesce(uploaded, excluded.uploaded), coalesce(excluded.uploaded, uploaded)),
                       last_served = max(last_served, excluded.last_served),
                       count = count + excluded.count";
        let mut insert = tx.prepare_cached(sql)?;
        for (purl, Served { uploaded, last, count }) in self.served.drain() {
            let Some(version) = purl.version() else { continue };
            insert.execute(params![purl.ecosystem().as_str(), purl.name(), version, uploaded, last, count])?;
        }
        let sql = "INSERT INTO daily (day, what, count) VALUES (?1, ?2, ?3)
                   ON CONFLICT (day, what) DO UPDATE SET count = count + excluded.count";
        let mut insert = tx.prepare_cached(sql)?;
        for ((day, what), count) in self.daily.drain() {
            insert.execute(params![day, what, count])?;
        }
        Ok(())
    }
}
