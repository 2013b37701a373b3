//! From the ledger to the database: in the background while running, caught up at start, made anew on demand.
//!
//! The ledger is the truth. An entry that is durable and not yet projected is a question answered a moment late, never a
//! lost one: projections are filled from the log itself, from the first index that the store does not have.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_core::{Action, EntryIndex, Purl};
use bulkhead_ledger::{Checkpoint, Entry, LedgerError, Log, Options, Origin, Recovered, Sequencer, SigningKey};

use super::Paths;
use crate::spine::Epoch;
use crate::store::{Indexed, ServedVersion, Store, StoreError};

/// How long entries wait to be projected together: one transaction, one sync.
const TOGETHER: Duration = Duration::from_millis(150);
/// Entries per transaction while catching up.
const BATCH: usize = 2_000;

/// Fills the projections. Cloning shares it.
#[derive(Clone)]
pub(super) struct Projector {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    /// Advanced when a review is visible in the store, whoever projected it.
    epoch: Epoch,
    /// Durable entries that the store does not have yet.
    queue: Mutex<Queue>,
    /// Held while rows are taken and projected, so that two flushes cannot swap batches.
    projecting: Mutex<()>,
    wake: std::sync::Condvar,
}

#[derive(Default)]
struct Queue {
    /// In order. The writer thread of the ledger pushes, the projecting thread takes.
    waiting: Vec<Indexed>,
    /// Taken, and not yet seen in the store.
    leaving: Arc<Vec<Indexed>>,
}

impl Projector {
    pub(super) fn new(store: Arc<dyn Store>, epoch: Epoch) -> Self {
        let inner = Inner {
            store,
            epoch,
            queue: Mutex::default(),
            projecting: Mutex::default(),
            wake: std::sync::Condvar::new(),
        };
        let projector = Self { inner: Arc::new(inner) };
        let background = Arc::downgrade(&projector.inner);
        // A thread and not a task: it waits for the disk, and it must go on while the runtime shuts down.
        let spawned = std::thread::Builder::new().name("projector".to_owned()).spawn(move || {
            while let Some(inner) = background.upgrade() {
                if let Err(error) = inner.flush() {
                    tracing::warn!(%error, "entries could not be projected; they are tried again");
                }
                let queue = inner.queue.lock().unwrap_or_else(PoisonError::into_inner);
                drop(inner.wake.wait_timeout(queue, TOGETHER));
            }
        });
        if let Err(error) = spawned {
            tracing::error!(%error, "the projecting thread could not start; entries are projected when they are asked about");
        }
        projector
    }

    /// What the ledger calls with each durable batch.
    pub(super) fn observe(&self, entries: &[(EntryIndex, Entry)]) {
        let mut queue = self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.waiting.extend_from_slice(entries);
    }

    /// The versions of the project that were served and that the store does not tell of yet: what was let through a
    /// moment ago counts for what is asked now.
    pub(super) fn served_lately(&self, project: &Purl) -> Vec<ServedVersion> {
        let queue = self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue
            .leaving
            .iter()
            .chain(&queue.waiting)
            .filter_map(|(_, entry)| ServedVersion::told(entry, project))
            .collect()
    }

    /// Projects what waits, now.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush()
    }

    /// Projects every entry of the log that the store does not have.
    pub(super) fn catch_up(&self, log: &Log) -> anyhow::Result<u64> {
        let from = self.inner.store.projected_to()?.map_or(0, |EntryIndex(last)| last + 1);
        let mut rows = Vec::with_capacity(BATCH);
        let mut count = 0;
        for entry in log.entries_ahead(from..log.size()) {
            let (at, entry, _) = entry?;
            rows.push((at, entry));
            count += 1;
            if rows.len() == BATCH {
                self.inner.store.project(&rows)?;
                rows.clear();
            }
        }
        self.inner.store.project(&rows)?;
        Ok(count)
    }

    /// Makes every projection anew from the log; the number of entries. Requests go on meanwhile, and are judged by the
    /// old rows until the new are complete: a rejection must not be gone for the time that a rebuild takes.
    pub(super) fn rebuild(&self, log: &Log) -> anyhow::Result<u64> {
        let _projecting = self.inner.projecting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = log.entries_ahead(0..log.size()).map(|entry| entry.map_err(Into::into));
        let count = self.inner.store.rebuild_projections(&mut entries)?;
        self.inner.epoch.advance();
        Ok(count)
    }
}

impl Inner {
    fn flush(&self) -> Result<(), StoreError> {
        let _projecting = self.projecting.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.leaving = Arc::new(std::mem::take(&mut queue.waiting));
            Arc::clone(&queue.leaving)
        };
        if rows.is_empty() {
            return Ok(());
        }
        let projected = self.store.project(&rows);
        let reviewed = |(_, entry): &Indexed| matches!(entry.action, Action::ReviewRelease | Action::ReviewReject);
        if projected.is_ok() && rows.iter().any(reviewed) {
            self.epoch.advance();
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.leaving = Arc::default();
        if projected.is_err() {
            // Back in front, in order: nothing is lost while the disk is full.
            let rows = Arc::unwrap_or_clone(rows);
            let newer = std::mem::replace(&mut queue.waiting, rows);
            queue.waiting.extend(newer);
        }
        projected
    }
}

/// Opens the ledger, making its key and origin on first start.
pub(super) fn open_ledger(paths: &Paths, projector: &Projector) -> anyhow::Result<Sequencer> {
    let observer = projector.clone();
    let options =
        Options { on_durable: Some(Box::new(move |entries| observer.observe(entries))), ..Options::default() };
    let (sequencer, recovered) = open_log(paths, options)?;
    if recovered.torn_bytes > 0 {
        tracing::warn!(
            bytes = recovered.torn_bytes,
            "an entry that was never acknowledged was cut off the ledger's end"
        );
    }
    Ok(sequencer)
}

/// Opens a log in its folder, making its key and origin on first start.
pub(super) fn open_log(paths: &Paths, options: Options) -> anyhow::Result<(Sequencer, Recovered)> {
    let key = if paths.key.exists() {
        SigningKey::load(&paths.key)?
    } else {
        anyhow::ensure!(
            !paths.ledger.exists(),
            "{} is missing, and {} is not\n  without its key the ledger cannot go on; a new key would be another ledger\n  \
             help: put the key back from a backup, or start with another --data folder and keep this one to be verified",
            paths.key.display(),
            paths.ledger.display()
        );
        let key = SigningKey::generate()?;
        key.save(&paths.key)?;
        key
    };
    let origin = origin(paths, &key)?;
    Sequencer::open(&paths.ledger, &paths.head, origin, key, options).map_err(|error| match error {
        LedgerError::NoHead => without_head(paths, &error),
        other => other.into(),
    })
}

/// What to do about it depends on what the folder has, and is a person's decision: a second head for one log is a fork.
fn without_head(paths: &Paths, error: &LedgerError) -> anyhow::Error {
    let (head, copy) = (paths.head.display().to_string(), paths.ledger.join("checkpoint"));
    let signed = std::fs::read(&copy).ok().and_then(|note| Checkpoint::read_unverified(&note).ok());
    let help = match signed {
        Some(checkpoint) => format!(
            "if no newer copy of {} exists anywhere, take the head that is in it (of {} entries), and start again:\n      \
             cp {} {head}\n  if there is a newer copy, start with that one: going on from an older one signs a second history",
            paths.ledger.display(),
            checkpoint.size,
            copy.display()
        ),
        None => format!(
            "put {head} back from the backup that the folder is from; {} has no checkpoint that could take its place",
            paths.ledger.display()
        ),
    };
    anyhow::anyhow!(
        "{error}\n  {head} is not there: it was lost, left out of a backup, or the folder is from before Bulkhead \
         kept one\n  help: {help}"
    )
}

/// The log's name: from its key and made once, because a host name would tell strangers who mirror it where it runs.
fn origin(paths: &Paths, key: &SigningKey) -> anyhow::Result<Origin> {
    if paths.origin.exists() {
        return paths.origin();
    }
    let unnamed: Origin = "bulkhead".parse()?;
    let fingerprint = key.verifier(&unnamed).fingerprint().to_hex();
    let origin = format!("bulkhead/{}", &fingerprint[..16]);
    crate::files::replace(&paths.origin, format!("{origin}\n").as_bytes(), 0o644)?;
    Ok(origin.parse()?)
}

#[cfg(test)]
mod tests;
