//! A disk in memory that fails on purpose, and forgets on a crash what was not synced.
//!
//! After a failed sync it behaves as Linux does: the pages are marked clean, reads still see them, later syncs succeed
//! without writing them, and a crash loses them ("fsyncgate").

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Backend, SegmentFile};

/// A handle of the disk; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, File>,
    fault: Option<Fault>,
    /// Set while every operation that needs space fails.
    full: bool,
    crashed: bool,
    locked: BTreeSet<String>,
    /// How many operations of each kind there were.
    counts: BTreeMap<Operation, u32>,
}

#[derive(Clone, Default)]
struct File {
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// Offsets of bytes of `seen` that the next successful sync writes.
    dirty: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Read,
    Open,
    Write,
    Sync,
    Truncate,
    Replace,
}

/// How much of the failing operation takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Nothing,
    Half,
    /// All of it, durably: only the answer is lost.
    All,
}

/// One operation that fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) operation: Operation,
    /// Which one of its kind, from 0.
    pub(crate) nth: u32,
    pub(crate) effect: Effect,
    /// Whether the machine stops there.
    pub(crate) crash: bool,
}

/// What a crash leaves of bytes that were written and not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsynced {
    Lost,
    Kept,
    /// The length and the second half of the bytes, with zeroes before them.
    Torn,
}

impl Disk {
    /// Another disk with the same files, all durable.
    pub(crate) fn copy(&self) -> Self {
        let files = self.state().files.clone();
        Self { state: Arc::new(Mutex::new(State { files, ..State::default() })) }
    }

    pub(crate) fn set_fault(&self, fault: Option<Fault>) {
        let mut state = self.state();
        state.fault = fault;
        state.counts.clear();
    }

    /// Whether the fault took place.
    pub(crate) fn fault_happened(&self) -> bool {
        let state = self.state();
        state.fault.is_some_and(|fault| state.counts.get(&fault.operation).is_some_and(|count| *count > fault.nth))
    }

    pub(crate) fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    /// The machine stops and starts again: nothing is held, no fault is set, unsynced bytes are as said.
    pub(crate) fn restart(&self, unsynced: Unsynced) {
        let mut state = self.state();
        (state.fault, state.full, state.crashed) = (None, false, false);
        state.locked.clear();
        for file in state.files.values_mut() {
            match unsynced {
                Unsynced::Lost => {}
                Unsynced::Kept => file.sync(),
                Unsynced::Torn => file.sync_second_half(),
            }
            *file = File::durable(file.durable.clone());
        }
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.state().files.keys().cloned().collect()
    }

    pub(crate) fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.state().files.get(path).map(|file| file.seen.clone())
    }

    /// Puts a file there behind the ledger's back, or takes it away.
    pub(crate) fn set_file(&self, path: &str, bytes: Option<Vec<u8>>) {
        match bytes {
            Some(bytes) => drop(self.state().files.insert(path.to_owned(), File::durable(bytes))),
            None => drop(self.state().files.remove(path)),
        }
    }

    pub(crate) fn count(&self, operation: Operation) -> u32 {
        self.state().counts.get(&operation).copied().unwrap_or(0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Counts the operation and says what is to happen: how much of it, and whether it then fails.
    fn begin(&self, operation: Operation) -> io::Result<(Effect, Option<io::Error>)> {
        let mut state = self.state();
        if state.crashed {
            return Err(io::Error::other("crashed"));
        }
        let count = state.counts.entry(operation).or_default();
        let this = *count;
        *count += 1;
        if let Some(fault) = state.fault.filter(|fault| fault.operation == operation && fault.nth == this) {
            state.crashed = fault.crash;
            return Ok((fault.effect, Some(io::Error::other("injected"))));
        }
        if state.full && matches!(operation, Operation::Open | Operation::Write | Operation::Replace) {
            return Ok((Effect::Half, Some(ErrorKind::StorageFull.into())));
        }
        Ok((Effect::All, None))
    }
}

impl File {
    fn durable(bytes: Vec<u8>) -> Self {
        Self { seen: bytes.clone(), durable: bytes, dirty: Vec::new() }
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = self.seen.len().max(offset + bytes.len());
        self.seen.resize(end, 0);
        self.seen[offset..offset + bytes.len()].copy_from_slice(bytes);
        self.dirty.extend(offset..offset + bytes.len());
    }

    fn sync(&mut self) {
        self.durable.resize(self.seen.len(), 0);
        for at in std::mem::take(&mut self.dirty) {
            self.durable[at] = self.seen[at];
        }
    }

    fn sync_second_half(&mut self) {
        self.dirty.drain(..self.dirty.len() / 2);
        self.sync();
    }

    /// The first half reaches the disk; the rest is marked clean and never will.
    fn sync_first_half(&mut self) {
        self.dirty.truncate(self.dirty.len() / 2);
        self.sync();
    }

    fn truncate(&mut self, length: usize) {
        self.seen.truncate(length);
        self.durable.truncate(length);
        self.dirty.retain(|at| *at < length);
    }
}

struct Lock(Disk, String);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.state().locked.remove(&self.1);
    }
}

impl Backend for Disk {
    fn lock(&self, path: &str) -> io::Result<Box<dyn Send + Sync>> {
        if !self.state().locked.insert(path.to_owned()) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Lock(self.clone(), path.to_owned())))
    }

    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        if let (_, Some(error)) = self.begin(Operation::Read)? {
            return Err(error);
        }
        Ok(self.file(path))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        Ok(self.state().files.contains_key(path))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn SegmentFile>> {
        let (effect, error) = self.begin(Operation::Open)?;
        if effect != Effect::Nothing {
            self.state().files.entry(path.to_owned()).or_default();
        }
        error.map_or_else(|| Ok(Box::new(Opened { disk: self.clone(), path: path.to_owned() }) as _), Err)
    }

    fn replace(&self, files: &[(String, Vec<u8>)]) -> io::Result<()> {
        let (effect, error) = self.begin(Operation::Replace)?;
        let count = match effect {
            Effect::Nothing => 0,
            Effect::Half => files.len() / 2,
            Effect::All => files.len(),
        };
        for (path, bytes) in &files[..count] {
            self.state().files.insert(path.clone(), File::durable(bytes.clone()));
        }
        error.map_or(Ok(()), Err)
    }
}

struct Opened {
    disk: Disk,
    path: String,
}

impl Opened {
    fn change(&self, change: impl FnOnce(&mut File)) {
        change(self.disk.state().files.get_mut(&self.path).unwrap());
    }
}

impl SegmentFile for Opened {
    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (effect, error) = self.disk.begin(Operation::Write)?;
        let length = match effect {
            Effect::Nothing => 0,
            Effect::Half => bytes.len() / 2,
            Effect::All => bytes.len(),
        };
        self.change(|file| file.write(offset as usize, &bytes[..length]));
        if effect == Effect::All && error.is_some() {
            self.change(File::sync);
        }
        error.map_or(Ok(()), Err)
    }

    fn sync(&mut self) -> io::Result<()> {
        let (effect, error) = self.disk.begin(Operation::Sync)?;
        self.change(|file| match effect {
            Effect::All => file.sync(),
            Effect::Half => file.sync_first_half(),
            // Marked clean without having been written.
            Effect::Nothing => file.dirty.clear(),
        });
        error.map_or(Ok(()), Err)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let (effect, error) = self.disk.begin(Operation::Truncate)?;
        if effect != Effect::Nothing {
            self.change(|file| file.truncate(length as usize));
        }
        error.map_or(Ok(()), Err)
    }
}
