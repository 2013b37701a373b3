//! The one writer of a log: gives entries their index, makes them durable in batches, and signs checkpoints.
//!
//! Two threads. The *writer* takes whatever is waiting, appends it as one batch with one fdatasync, and answers; what
//! arrives meanwhile is the next batch (natural group commit, no delay when idle). The *integrator* follows at its own
//! pace and is never waited for.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bulkhead_core::EntryIndex;

use crate::backend::{Backend, Folder};
use crate::checkpoint::Checkpoint;
use crate::entry::{Entry, EntryError};
use crate::error::LedgerError;
use crate::head::{FileHead, HeadStore};
use crate::key::{Origin, SigningKey, VerifierKey};
use crate::log::integrate::{Signer, commit, integrate};
use crate::log::open::{Found, find};
use crate::log::tail::Tail;
use crate::log::{COSIGNED, DurableEnd, Log};
use crate::merkle::{empty_root, leaf_hash};
use integrator::Integrator;

mod integrator;

#[cfg(test)]
mod tests;

const LOCK: &str = "lock";
/// A batch takes no more bytes than this, so that the first caller in it does not wait for the last too long.
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Called once with the entry's index when it is durable, or with the reason why it is not.
pub type Done = Box<dyn FnOnce(Result<EntryIndex, LedgerError>) + Send>;

/// Called on the writer thread with each durable batch, in order, before its callers are answered: who has an answer and
/// then asks the observer finds the entry there (a review that was acknowledged holds for the next request). So it must
/// be quick. The entries are as the log has them (texts cut if they had to be).
pub type OnDurable = Box<dyn Fn(&[(EntryIndex, Entry)]) + Send>;

/// How a sequencer works.
pub struct Options {
    /// The longest time from an entry's answer to the start of the integration that covers it.
    pub checkpoint_every: Duration,
    /// How long a batch waits for company. Zero is right unless fdatasync is very cheap: what queues while one runs is the next
    /// batch, and a window makes a lone caller wait for nobody (measured: ARCHITECTURE.md, "A batch does not wait").
    pub gather: Duration,
    /// How many entries may wait; more are refused at once.
    pub max_waiting: usize,
    /// The observer of durable batches, for projections.
    pub on_durable: Option<OnDurable>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            checkpoint_every: Duration::from_millis(750),
            gather: Duration::ZERO,
            max_waiting: 65_536,
            on_durable: None,
        }
    }
}

/// What opening found, for the start-up lines and for projections to catch up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// Durable entries, all integrated now.
    pub entries: u64,
    /// How many of them the last checkpoint did not cover yet: the process before did not shut down.
    pub reintegrated: u64,
    /// Bytes of a batch that was never acknowledged and was cut off.
    pub torn_bytes: usize,
}

/// How the sequencer is.
#[derive(Debug, Clone)]
pub struct Health {
    /// Durable entries.
    pub entries: u64,
    /// Entries that the checkpoint covers.
    pub integrated: u64,
    /// Why the last batch could not be written; nothing when it could.
    pub append_error: Option<LedgerError>,
    /// Why the last integration failed; nothing when it did not.
    pub integration_error: Option<LedgerError>,
}

impl Health {
    /// Why nothing will ever be appended again by this process; nothing while it may recover by itself. A server ends
    /// then: start reads what is there, by the same code.
    pub fn stopped(&self) -> Option<&LedgerError> {
        let errors = [&self.integration_error, &self.append_error];
        errors.into_iter().flatten().find(|error| error.is_fatal())
    }
}

/// The writer of a log. Dropping it closes it, as [`Sequencer::close`] does.
pub struct Sequencer {
    log: Log,
    verifier: VerifierKey,
    queue: Sender<Message>,
    waiting: Arc<AtomicUsize>,
    max_waiting: usize,
    append_error: Arc<Mutex<Option<LedgerError>>>,
    integrator: Integrator,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Held until both threads have ended.
    lock: Mutex<Option<Box<dyn Send + Sync>>>,
}

enum Message {
    Entry(Box<Waiting>),
    Close,
}

/// An entry on its way. Dropped unanswered, it answers that the ledger is closed: no caller waits for ever.
struct Waiting {
    entry: Entry,
    done: Option<Done>,
    count: Arc<AtomicUsize>,
}

impl Waiting {
    fn answer(mut self, result: Result<EntryIndex, LedgerError>) {
        if let Some(done) = self.done.take() {
            done(result);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        if let Some(done) = self.done.take() {
            done(Err(LedgerError::Closed));
        }
    }
}

impl Sequencer {
    /// Opens the ledger in that folder, creating it when there is none, and takes it for this process. `head` is the file
    /// of the trusted head: apart from the folder, and never restored together with it from a backup. What the process
    /// before left behind is made whole: a batch that was never acknowledged is cut off, what the checkpoint does not
    /// cover is integrated.
    ///
    /// # Errors
    /// When another process has it, the checkpoint is not signed by this key for this origin, files are damaged, or the
    /// system refuses.
    pub fn open(
        folder: &Path,
        head: &Path,
        origin: Origin,
        key: SigningKey,
        options: Options,
    ) -> Result<(Self, Recovered), LedgerError> {
        let backend = Folder::create(folder).map_err(LedgerError::io("create", "."))?;
        let named = head.parent().zip(head.file_name().and_then(|name| name.to_str()));
        let (place, name) = named.ok_or_else(|| LedgerError::Head(format!("{} is not a file", head.display())))?;
        let place = Folder::create(place).map_err(LedgerError::io("create", "the folder of the trusted head"))?;
        let heads = FileHead::new(Arc::new(place), name);
        Self::open_on(Arc::new(backend), Arc::new(heads), origin, key, options)
    }

    /// The same on any backend.
    ///
    /// # Errors
    /// As [`Sequencer::open`].
    pub fn open_on(
        backend: Arc<dyn Backend>,
        heads: Arc<dyn HeadStore>,
        origin: Origin,
        key: SigningKey,
        options: Options,
    ) -> Result<(Self, Recovered), LedgerError> {
        let lock = backend.lock(LOCK).map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => LedgerError::InUse,
            _ => LedgerError::io("lock", "lock")(error),
        })?;
        let verifier = key.verifier(&origin);
        let signer = Signer { origin, key, heads };
        let found = match find(&*backend, &*signer.heads, &verifier)? {
            Some(found) => found,
            None => create(&signer)?,
        };
        let log = Log::new(backend, &found);
        let recovered =
            Recovered { entries: found.end.entries, reintegrated: found.leaves.len() as u64, torn_bytes: found.torn };
        let mut tail = Tail::new(log.clone(), true);
        if found.torn > 0 || !found.leaves.is_empty() {
            // Entries that were read may be in the page cache only. They are made durable before they are signed.
            tail.establish()?;
        }
        integrate(&log, &signer, &found.leaves)?;
        log.read_cosigned()?;
        let Options { checkpoint_every, gather, max_waiting, on_durable } = options;
        let integrator = Integrator::start(log.clone(), signer, checkpoint_every)?;
        let (queue, waiting_entries) = mpsc::channel();
        let append_error = Arc::new(Mutex::new(None));
        let writer = Writer {
            tail,
            queue: waiting_entries,
            gather,
            on_durable,
            append_error: Arc::clone(&append_error),
            integrator: integrator.clone(),
        };
        let writer = match thread::Builder::new().name("ledger-writer".to_owned()).spawn(move || writer.run()) {
            Ok(writer) => writer,
            Err(error) => {
                integrator.close()?;
                return Err(LedgerError::io("start a thread for", ".")(error));
            }
        };
        let sequencer = Self {
            log,
            verifier,
            queue,
            waiting: Arc::default(),
            max_waiting,
            append_error,
            integrator,
            writer: Mutex::new(Some(writer)),
            lock: Mutex::new(Some(lock)),
        };
        Ok((sequencer, recovered))
    }

    /// Hands in an entry. `done` is called exactly once, on the writer thread: with the index once the entry is
    /// durable, or with an error, after which the entry may or may not be found in the log later.
    pub fn submit(&self, entry: Entry, done: Done) {
        let ahead = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Box::new(Waiting { entry, done: Some(done), count: Arc::clone(&self.waiting) });
        if ahead >= self.max_waiting {
            return waiting.answer(Err(LedgerError::Overloaded(ahead)));
        }
        if let Err(mpsc::SendError(Message::Entry(waiting))) = self.queue.send(Message::Entry(waiting)) {
            waiting.answer(Err(LedgerError::Closed));
        }
    }

    /// Hands in an entry and waits until it is durable.
    ///
    /// # Errors
    /// When it could not be made durable.
    pub fn append(&self, entry: Entry) -> Result<EntryIndex, LedgerError> {
        let (sender, receiver) = mpsc::channel();
        self.submit(
            entry,
            Box::new(move |result| {
                // The receiver waits below for as long as this closure lives.
                let _received = sender.send(result);
            }),
        );
        receiver.recv().unwrap_or(Err(LedgerError::Closed))
    }

    /// Integrates everything that is durable now and gives the size of the checkpoint that covers it.
    ///
    /// # Errors
    /// When the integration failed; it is tried again in its own time.
    pub fn integrate_now(&self) -> Result<u64, LedgerError> {
        self.integrator.integrate_now()
    }

    /// Makes a checkpoint that witnesses have cosigned the published one, durably; nothing takes the last one back. One
    /// caller at a time.
    ///
    /// # Errors
    /// When it is not a checkpoint of this log's past, or cannot be written.
    pub fn publish_cosigned(&self, note: Option<&[u8]>) -> Result<(), LedgerError> {
        self.log.set_cosigned(note.map(<[u8]>::to_vec))?;
        let bytes = note.unwrap_or_default().to_vec();
        self.log.backend().replace(&[(COSIGNED.to_owned(), bytes)]).map_err(LedgerError::io("write", COSIGNED))
    }

    /// The log for reading, from any thread.
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// The key that checkpoints verify with, and the log's name.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    /// How it is.
    pub fn health(&self) -> Health {
        Health {
            entries: self.log.size(),
            integrated: self.log.integrated(),
            append_error: self.append_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            integration_error: self.integrator.error(),
        }
    }

    /// Writes what is waiting, integrates it, signs the last checkpoint and gives the folder free. Entries handed in
    /// later are refused. Closing twice is the same as once.
    ///
    /// # Errors
    /// When the last integration failed; nothing is lost, the next start makes up for it.
    pub fn close(&self) -> Result<(), LedgerError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(writer) = writer else { return Ok(()) };
        // A writer that is gone already has nothing left to write.
        let _told = self.queue.send(Message::Close);
        let written = writer.join().map_err(|_| LedgerError::Closed);
        let integrated = self.integrator.close();
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        written.and(integrated)
    }
}

impl Drop for Sequencer {
    fn drop(&mut self) {
        // Who wants to know calls `close`; what failed here, the next start makes up for.
        let _closed = self.close();
    }
}

/// A new log: its first head, of the empty tree, is in the trusted place before its first entry.
fn create(signer: &Signer) -> Result<Found, LedgerError> {
    let checkpoint = Checkpoint { origin: signer.origin.clone(), size: 0, root: empty_root() };
    let note = checkpoint.sign(&signer.key)?;
    commit(&*signer.heads, None, &note)?;
    let end = DurableEnd { entries: 0, segment: 0, bytes: 0 };
    Ok(Found { note, published: false, edge: Default::default(), leaves: Vec::new(), end, torn: 0 })
}

struct Writer {
    tail: Tail,
    queue: Receiver<Message>,
    gather: Duration,
    on_durable: Option<OnDurable>,
    append_error: Arc<Mutex<Option<LedgerError>>>,
    integrator: Integrator,
}

/// Encoded entries with those who wait for them, in the order of their indices.
#[derive(Default)]
struct Batch {
    bytes: usize,
    encoded: Vec<Vec<u8>>,
    entries: Vec<(EntryIndex, Entry)>,
    waiting: Vec<Waiting>,
}

impl Writer {
    fn run(mut self) {
        while let Ok(Message::Entry(first)) = self.queue.recv() {
            let (batch, close) = self.gather(first);
            self.write(batch);
            if close {
                break;
            }
        }
    }

    /// The first entry and whatever else is waiting, as far as it fits into one batch.
    fn gather(&self, first: Box<Waiting>) -> (Batch, bool) {
        let (mut batch, room) = (Batch::default(), self.tail.room());
        batch.add(first, self.tail.next());
        let until = Instant::now() + self.gather;
        while (batch.encoded.len() as u64) < room && batch.bytes < MAX_BATCH_BYTES {
            let next = if self.gather.is_zero() {
                self.queue.try_recv().ok()
            } else {
                self.queue.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
            };
            match next {
                Some(Message::Entry(waiting)) => batch.add(waiting, self.tail.next()),
                Some(Message::Close) => return (batch, true),
                None => break,
            }
        }
        (batch, false)
    }

    fn write(&mut self, batch: Batch) {
        let Batch { encoded, entries, waiting, .. } = batch;
        if encoded.is_empty() {
            return;
        }
        let result = match self.integrator.fatal() {
            Some(error) => Err(error),
            None => self.tail.append(&encoded),
        };
        *self.append_error.lock().unwrap_or_else(PoisonError::into_inner) = result.clone().err();
        if let Err(error) = result {
            waiting.into_iter().for_each(|waiting| waiting.answer(Err(error.clone())));
            return;
        }
        // Before the answers, so that who was answered and asks for a checkpoint gets one that covers the entry.
        self.integrator.add(encoded.iter().map(|entry| leaf_hash(entry)));
        if let Some(on_durable) = &self.on_durable {
            on_durable(&entries);
        }
        for (waiting, (index, _)) in waiting.into_iter().zip(&entries) {
            waiting.answer(Ok(*index));
        }
    }
}

impl Batch {
    fn add(&mut self, waiting: Box<Waiting>, first: u64) {
        let index = EntryIndex(first + self.encoded.len() as u64);
        match encode(&waiting.entry, index) {
            Ok((bytes, entry)) => {
                self.bytes += bytes.len();
                self.encoded.push(bytes);
                self.entries.push((index, entry));
                self.waiting.push(*waiting);
            }
            Err(error) => waiting.answer(Err(error.into())),
        }
    }
}

/// The entry's bytes, and the entry as it is read back from them: what cannot be read back is not written.
fn encode(entry: &Entry, index: EntryIndex) -> Result<(Vec<u8>, Entry), EntryError> {
    let bytes = entry.encode(index)?;
    let (_, entry) = Entry::decode(&bytes)?;
    Ok((bytes, entry))
}
