//! [`Store`] for SQLite: each method picks a connection and names what it attempts; the statements are in the siblings.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use bulkhead_core::{EntryIndex, Principal, Purl, RunId, Sha256};
use jiff::Timestamp;

use super::{SqliteStore, advisory, classify, lock, page, projection, query, reading, report, token};
use crate::store::{
    Advisory, AdvisoryStream, Cause, Decision, Feed, HeldItem, ImportError, Indexed, Judged, KeptDelta, Page, Reading,
    Report, SeenFile, ServedVersion, Store, StoreError, Token, TokenText, WithBytes, WithheldFrom,
};

impl Store for SqliteStore {
    fn project(&self, entries: &[Indexed]) -> Result<(), StoreError> {
        self.project_all("project entries", |tx| projection::project(tx, entries))
    }

    fn projected_to(&self) -> Result<Option<EntryIndex>, StoreError> {
        self.read("read how far it is projected", projection::through)
    }

    fn rebuild_projections(
        &self,
        entries: &mut dyn Iterator<Item = Result<WithBytes, Cause>>,
    ) -> Result<u64, StoreError> {
        self.project_anew("make projections anew", |tx| projection::rebuild(tx, entries))
    }

    fn entry(&self, index: EntryIndex) -> Result<Option<Indexed>, StoreError> {
        self.read("read an entry", |connection| query::entry(connection, index))
    }

    fn entries_about(&self, purl: &Purl, limit: usize) -> Result<Vec<Indexed>, StoreError> {
        self.read("read the entries of a package", |connection| query::about(connection, purl, limit))
    }

    fn entries_with_digest(&self, digest: &Sha256, limit: usize) -> Result<Vec<Indexed>, StoreError> {
        self.read("read the entries of a file", |connection| query::with_digest(connection, digest, limit))
    }

    fn entries_of_run(&self, run: &RunId, limit: usize) -> Result<Vec<Indexed>, StoreError> {
        self.read("read the entries of a run", |connection| query::of_run(connection, run, limit))
    }

    fn latest_runs(&self, limit: usize) -> Result<Vec<(Indexed, Indexed)>, StoreError> {
        self.read("read the latest runs", |connection| query::runs(connection, limit))
    }

    fn latest_entries(&self, limit: usize) -> Result<Vec<Indexed>, StoreError> {
        self.read("read the latest entries", |connection| query::latest(connection, limit))
    }

    fn held(&self, now: Timestamp) -> Result<Vec<HeldItem>, StoreError> {
        self.read("read held items", |connection| query::held(connection, now))
    }

    fn decisions_for(&self, project: &Purl) -> Result<Vec<Decision>, StoreError> {
        self.read("read decisions", |connection| query::decisions_for(connection, project))
    }

    fn look(
        &self,
        look: &mut dyn FnMut(&dyn crate::store::graph::Graph) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        self.read("look at the graph", |connection| {
            // A walk makes tens of thousands of look-ups: its pages stay in memory for as long as it takes.
            connection.pragma_update(None, "cache_size", super::connect::WALK_CACHE)?;
            outcome = look(&super::graph::Look::new(&self.path, connection));
            connection.pragma_update(None, "cache_size", super::connect::CACHE)
        })?;
        outcome
    }

    fn served(&self, project: &Purl) -> Result<Vec<ServedVersion>, StoreError> {
        self.read("read served versions", |connection| query::served(connection, project))
    }

    fn put_report(&self, report: &Report) -> Result<(), StoreError> {
        self.write_cache("keep a report", |tx| report::put(tx, report))
    }

    fn report(&self, digest: &Sha256, ruleset: &str) -> Result<Option<Report>, StoreError> {
        self.read("read a report", |connection| report::find(connection, digest, ruleset))
    }

    fn reports_for(&self, digests: &[Sha256], ruleset: &str) -> Result<BTreeMap<Sha256, Judged>, StoreError> {
        self.read("read reports", |connection| report::judged(connection, digests, ruleset))
    }

    fn note_reading(&self, reading: &Reading) -> Result<(), StoreError> {
        self.write_cache("note a reading", |tx| reading::note(tx, reading))
    }

    fn readings(&self, project: Option<&Purl>) -> Result<Vec<Reading>, StoreError> {
        self.read("read which files were read", |connection| reading::all(connection, project))
    }

    fn put_delta(&self, digest: &Sha256, ruleset: &str, kept: &KeptDelta) -> Result<(), StoreError> {
        self.write_cache("keep a delta", |tx| reading::put_delta(tx, digest, ruleset, kept))
    }

    fn deltas_for(&self, digests: &[Sha256], ruleset: &str) -> Result<BTreeMap<Sha256, KeptDelta>, StoreError> {
        self.read("read deltas", |connection| reading::deltas(connection, digests, ruleset))
    }

    fn first_seen(&self, project: &Purl, files: &[SeenFile<'_>], now: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
        let what = "keep first-seen times";
        let kept = self.read(what, |connection| page::seen(connection, project, files))?;
        if let Some(known) = kept.iter().copied().collect::<Option<Vec<_>>>() {
            return Ok(known);
        }
        let kept = self.write(what, |tx| {
            page::see(tx, project, files, now)?;
            page::seen(tx, project, files)
        })?;
        Ok(kept.into_iter().map(|at| at.expect("invariant: inserted in this transaction")).collect())
    }

    fn put_page(&self, project: &Purl, page: &Page) -> Result<(), StoreError> {
        let what = "keep a page";
        let packed = page::packed(page).map_err(|cause| classify(&self.path, what, cause))?;
        self.write_cache(what, |tx| page::put(tx, project, page, &packed))
    }

    fn touch_page(&self, project: &Purl, fetched_at: Timestamp) -> Result<(), StoreError> {
        self.write_cache("keep a page", |tx| page::touch(tx, project, fetched_at))
    }

    fn page(&self, project: &Purl) -> Result<Option<Page>, StoreError> {
        self.read("read a page", |connection| page::find(connection, project))
    }

    fn withheld(&self, from: &WithheldFrom<'_>) -> Result<Option<Sha256>, StoreError> {
        self.read("read what was withheld", |connection| page::withheld(connection, from))
    }

    fn set_withheld(&self, from: &WithheldFrom<'_>, digest: &Sha256) -> Result<(), StoreError> {
        self.write_cache("keep what was withheld", |tx| page::set_withheld(tx, from, digest))
    }

    fn import_feed(&self, name: &str, stream: &mut dyn AdvisoryStream, now: Timestamp) -> Result<Feed, ImportError> {
        let what = "import a feed";
        let _one_at_a_time = lock(&self.import);
        self.sweep_feeds()?;
        let feed = self.write_cache(what, |tx| advisory::begin(tx, name, now))?;
        let mut chunk = Vec::with_capacity(advisory::CHUNK);
        loop {
            chunk.extend(std::iter::from_fn(|| stream.next()).take(advisory::CHUNK));
            if chunk.is_empty() {
                break;
            }
            self.write_cache(what, |tx| advisory::add(tx, feed, &chunk))?;
            chunk.clear();
        }
        let summary = match stream.finish() {
            Ok(summary) => summary,
            Err(refused) => {
                self.sweep_feeds()?;
                return Err(refused.into());
            }
        };
        self.write(what, |tx| advisory::flip(tx, feed, name, &summary))?;
        self.bump_feed_epoch();
        if let Err(error) = self.sweep_feeds() {
            tracing::warn!(%error, feed = name, "the replaced feed could not be deleted yet; the next import tries again");
        }
        Ok(Feed { name: name.to_owned(), summary, imported_at: now })
    }

    fn feeds(&self) -> Result<Vec<Feed>, StoreError> {
        self.read("read feeds", advisory::feeds)
    }

    fn remove_feed(&self, name: &str) -> Result<bool, StoreError> {
        let _one_at_a_time = lock(&self.import);
        let removed = self.write("remove a feed", |tx| advisory::retire(tx, name))?;
        if removed {
            self.bump_feed_epoch();
            self.sweep_feeds()?;
        }
        Ok(removed)
    }

    fn feed_epoch(&self) -> u64 {
        self.feed_epoch.load(Ordering::Acquire)
    }

    fn advisories_on(&self, project: &Purl) -> Result<Vec<Advisory>, StoreError> {
        self.read("look up advisories", |connection| advisory::on_project(connection, project))
    }

    fn advisories_with_files(&self, digests: &[Sha256]) -> Result<BTreeMap<Sha256, Vec<Advisory>>, StoreError> {
        self.read("look up advisories", |connection| advisory::with_files(connection, digests))
    }

    fn create_token(
        &self,
        text: &TokenText,
        principal: &Principal,
        now: Timestamp,
        expires: Option<Timestamp>,
    ) -> Result<Token, StoreError> {
        let digest = text.digest();
        self.write("create a token", |tx| token::create(tx, &digest, principal, now, expires))?;
        let id = Token::id_of(&digest);
        Ok(Token { id, principal: principal.clone(), created: now, expires, revoked: None })
    }

    fn verify_token(&self, text: &TokenText, now: Timestamp) -> Result<Option<Principal>, StoreError> {
        let digest = text.digest();
        self.read("verify a token", |connection| token::verify(connection, &digest, now))
    }

    fn make_admin(&self, text: &TokenText) -> Result<(), StoreError> {
        let digest = text.digest();
        self.write("let a token into the console", |tx| token::make_admin(tx, &digest))
    }

    fn verify_admin(&self, text: &TokenText, now: Timestamp) -> Result<Option<Principal>, StoreError> {
        let digest = text.digest();
        self.read("verify a console token", |connection| token::verify_admin(connection, &digest, now))
    }

    fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.read("list tokens", token::all)
    }

    fn revoke_token(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.write("revoke a token", |tx| token::revoke(tx, id, now))
    }

    fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.read("read a value", |connection| page::meta(connection, key))
    }

    fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError> {
        self.write("keep a value", |tx| page::set_meta(tx, key, value))
    }
}

impl SqliteStore {
    /// Deletes what replaced, refused and cut-off imports left, a chunk at a time.
    fn sweep_feeds(&self) -> Result<(), StoreError> {
        while self.write_cache("delete a replaced feed", advisory::sweep)? {}
        Ok(())
    }
}
