//! The entries of a range, one after the other.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use bulkhead_core::EntryIndex;

use super::{Log, missing};
use crate::entry::Entry;
use crate::error::LedgerError;
use crate::segment::{Segment, path_of};

/// How many entries are handed over together, and how many such batches may wait.
const BATCH: usize = 256;
const WAITING: usize = 8;

/// The durable entries of a range, in order; ends at the first that cannot be read.
pub struct Entries {
    log: Log,
    next: u64,
    end: u64,
    segment: Option<Arc<Segment>>,
}

impl Entries {
    /// Of a range that is within the log.
    pub(super) fn new(log: Log, range: Range<u64>) -> Self {
        Self { log, next: range.start, end: range.end, segment: None }
    }

    fn read(&mut self, index: u64) -> Result<(EntryIndex, Entry), LedgerError> {
        self.read_with(index, |_| ()).map(|(seq, entry, ())| (seq, entry))
    }

    /// One entry, and what `of` makes of its bytes.
    fn read_with<T>(&mut self, index: u64, of: impl FnOnce(&[u8]) -> T) -> Result<(EntryIndex, Entry, T), LedgerError> {
        let held = self.segment.take().filter(|segment| segment.entry(index).is_some());
        let segment = match held {
            Some(segment) => segment,
            None => self.log.segment_with(index)?,
        };
        let bytes = segment.entry(index).ok_or_else(|| missing(index))?;
        let (seq, entry) = Entry::decode(bytes)?;
        if seq.0 != index {
            let what = format!("entry {index} says that it is entry {seq}");
            return Err(LedgerError::corrupt(&path_of(index), 0, what));
        }
        let made = of(bytes);
        self.segment = Some(segment);
        Ok((seq, entry, made))
    }

    fn next_with_bytes(&mut self) -> Option<Decoded> {
        if self.next >= self.end {
            return None;
        }
        let index = self.next;
        let item = self.read_with(index, <[u8]>::to_vec);
        self.next = if item.is_ok() { index + 1 } else { self.end };
        Some(item)
    }
}

impl Iterator for Entries {
    type Item = Result<(EntryIndex, Entry), LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let index = self.next;
        let item = self.read(index);
        self.next = if item.is_ok() { index + 1 } else { self.end };
        Some(item)
    }
}

/// The durable entries of a range, in order, decoded ahead, each with its bytes; ends at the first that cannot be read.
pub struct EntriesAhead {
    batch: std::vec::IntoIter<Decoded>,
    rest: Rest,
    /// Entries that have not been given out. A thread that ends before it has them all must not look like the end.
    left: u64,
}

type Decoded = Result<(EntryIndex, Entry, Vec<u8>), LedgerError>;

enum Rest {
    /// What the thread has ready. It ends when this is dropped.
    Behind(Receiver<Vec<Decoded>>),
    /// There was no thread to be had.
    Here(Entries),
}

impl EntriesAhead {
    pub(super) fn new(entries: Entries) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        let (log, range) = (entries.log.clone(), entries.next..entries.end);
        let left = range.end.saturating_sub(range.start);
        let work = move || {
            let mut entries = entries;
            loop {
                let batch: Vec<Decoded> = std::iter::from_fn(|| entries.next_with_bytes()).take(BATCH).collect();
                if batch.is_empty() || sender.send(batch).is_err() {
                    break;
                }
            }
        };
        let rest = match thread::Builder::new().name("entries".to_owned()).spawn(work) {
            Ok(_) => Rest::Behind(receiver),
            Err(_) => Rest::Here(Entries::new(log, range)),
        };
        Self { batch: Vec::new().into_iter(), rest, left }
    }
}

impl Iterator for EntriesAhead {
    type Item = Decoded;

    fn next(&mut self) -> Option<Decoded> {
        if self.left == 0 {
            return None;
        }
        let next = self.batch.next().or_else(|| match &mut self.rest {
            Rest::Here(entries) => entries.next_with_bytes(),
            Rest::Behind(batches) => {
                self.batch = batches.recv().unwrap_or_default().into_iter();
                self.batch.next()
            }
        });
        let ended = || LedgerError::io("read", "the entries")(io::Error::other("the thread that read them ended"));
        let next = next.unwrap_or_else(|| Err(ended()));
        self.left = if next.is_ok() { self.left - 1 } else { 0 };
        Some(next)
    }
}
