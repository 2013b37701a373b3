//! The thread that follows the writer: integrates leaves and signs checkpoints, at the latest a set time after an entry.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bulkhead_core::Sha256;

use crate::error::LedgerError;
use crate::log::Log;
use crate::log::integrate::{Signer, integrate};

/// The handle of the integrating thread; the writer and the sequencer share it.
#[derive(Clone)]
pub(super) struct Integrator {
    shared: Arc<Shared>,
}

struct Shared {
    work: Mutex<Work>,
    changed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Work {
    /// Durable leaves behind the checkpoint. The writer appends, the integrating thread takes from the front.
    leaves: Vec<Sha256>,
    /// Since when the first of them waits, or since when the last attempt failed.
    since: Option<Instant>,
    /// Who wants a checkpoint at once.
    asked: Vec<Asked>,
    close: bool,
    error: Option<LedgerError>,
}

/// The answer goes to whoever asked for a checkpoint: its size.
type Asked = Sender<Result<u64, LedgerError>>;

/// What there is to do now.
struct Due {
    leaves: Vec<Sha256>,
    asked: Vec<Asked>,
    close: bool,
}

impl Integrator {
    pub(super) fn start(log: Log, signer: Signer, every: Duration) -> Result<Self, LedgerError> {
        let shared = Arc::new(Shared { work: Mutex::default(), changed: Condvar::new(), thread: Mutex::default() });
        let integrator = Self { shared };
        let runner = integrator.clone();
        let thread = thread::Builder::new()
            .name("ledger-integrator".to_owned())
            .spawn(move || runner.run(&log, &signer, every))
            .map_err(LedgerError::io("start a thread for", "."))?;
        *integrator.shared.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(integrator)
    }

    /// Adds durable leaves.
    pub(super) fn add(&self, leaves: impl Iterator<Item = Sha256>) {
        let mut work = self.work();
        work.leaves.extend(leaves);
        // Once per checkpoint, not per batch: the thread then knows its time.
        if work.since.is_none() {
            work.since = Some(Instant::now());
            self.shared.changed.notify_all();
        }
    }

    pub(super) fn integrate_now(&self) -> Result<u64, LedgerError> {
        let (sender, receiver) = mpsc::channel();
        let mut work = self.work();
        if work.close {
            return Err(LedgerError::Closed);
        }
        work.asked.push(sender);
        drop(work);
        self.shared.changed.notify_all();
        receiver.recv().unwrap_or(Err(LedgerError::Closed))
    }

    /// The last integration's error.
    pub(super) fn error(&self) -> Option<LedgerError> {
        self.work().error.clone()
    }

    /// The error after which nothing may be appended any more.
    pub(super) fn fatal(&self) -> Option<LedgerError> {
        self.work().error.as_ref().filter(|error| error.is_fatal()).cloned()
    }

    /// Integrates what is left and ends the thread.
    pub(super) fn close(&self) -> Result<(), LedgerError> {
        self.work().close = true;
        self.shared.changed.notify_all();
        let thread = self.shared.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.join().map_err(|_| LedgerError::Closed)?;
        }
        self.error().map_or(Ok(()), Err)
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.shared.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, log: &Log, signer: &Signer, every: Duration) {
        loop {
            let Due { leaves, asked, close } = self.wait(every);
            let before = log.integrated();
            let result = match self.fatal() {
                // What the files say about history is wrong: nothing more is signed.
                Some(error) => Err(error),
                None => integrate(log, signer, &leaves),
            };
            let mut work = self.work();
            // The head may be in the trusted place although its copy could not be written: those leaves are done.
            work.leaves.drain(..(log.integrated() - before) as usize);
            let idle = work.leaves.is_empty() && result.is_ok();
            work.since = if idle { None } else { Some(Instant::now()) };
            work.error = result.as_ref().err().cloned();
            drop(work);
            for sender in asked {
                // Who no longer waits needs no answer.
                let _received = sender.send(result.clone());
            }
            if close {
                return;
            }
        }
    }

    /// Waits until it is time, somebody asks, or the ledger closes.
    fn wait(&self, every: Duration) -> Due {
        let mut work = self.work();
        loop {
            let rest = work.since.map(|since| every.saturating_sub(since.elapsed()));
            if work.close || !work.asked.is_empty() || rest == Some(Duration::ZERO) {
                let (leaves, asked) = (work.leaves.clone(), std::mem::take(&mut work.asked));
                return Due { leaves, asked, close: work.close };
            }
            work = match rest {
                Some(rest) => self.shared.changed.wait_timeout(work, rest).unwrap_or_else(PoisonError::into_inner).0,
                None => self.shared.changed.wait(work).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
