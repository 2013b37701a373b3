//! The bundles of a log, checked by several threads and handed on in order.
//!
//! A thread takes every n-th stretch, and its results wait in a channel of its own that holds a few: whoever takes them
//! in turn gets them in the order of the log, so that the first fault is the log's first, whatever the threads do.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use bulkhead_core::Sha256;

use super::{Fault, Reader, Source, compare, read_with};
use crate::entry::Entry;
use crate::merkle::{leaf_hash_behind, subtree};
use crate::segment::SEGMENT_ENTRIES;
use crate::tile::{TILE_WIDTH, TilePath, decode_bundle};

/// What follows each other in one thread: what one segment of a ledger's folder holds, so that it is read once.
const STRETCH: u64 = SEGMENT_ENTRIES / TILE_WIDTH;
/// Results that may wait for those before them. They are small; the entries are gone by then.
const WAITING: usize = 2 * STRETCH as usize;
/// A log behind a network gains nothing from more, and its server would notice.
const MOST_THREADS: usize = 8;

/// What a checked bundle comes to.
pub(super) enum Leaves {
    /// A full one: the hash over its 256 leaves. Its tile of level 0 was compared.
    Tile(Sha256),
    /// The last one: the leaf hashes. Its tile was not.
    Few(Vec<Sha256>),
}

/// Checks every bundle of a log of that size and every entry in it, and gives them to `take` in order.
///
/// # Errors
/// The first thing that is wrong, in the order of the log.
pub(super) fn each<S: Source>(
    source: &S,
    size: u64,
    mut take: impl FnMut(Leaves) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let bundles = size.div_ceil(TILE_WIDTH);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS) as u64;
    let threads = threads.min(bundles.div_ceil(STRETCH));
    if threads < 2 {
        let mut reader = source.reader();
        return (0..bundles).try_for_each(|bundle| take(check(&mut reader, bundle, size)?));
    }
    thread::scope(|scope| {
        let mut results: Vec<Receiver<Result<Leaves, Fault>>> = Vec::new();
        for first in 0..threads {
            let (sender, receiver) = sync_channel(WAITING);
            let work = move || send_stretches(source, size, (first, threads), &sender);
            let spawned = thread::Builder::new().name("verify".to_owned()).spawn_scoped(scope, work);
            spawned.map_err(|source| Fault::Read { path: "a thread to verify with".to_owned(), source })?;
            results.push(receiver);
        }
        // When this ends early the receivers go, and with them the threads: nobody takes what they have.
        (0..bundles).try_for_each(|bundle| {
            let from = &results[(bundle / STRETCH % threads) as usize];
            let gone = |_| Fault::Read {
                path: TilePath::entries(bundle, 256).to_string(),
                source: io::Error::other("the thread that verified it ended"),
            };
            take(from.recv().map_err(gone)??)
        })
    })
}

/// Checks the stretches `first`, `first + step` and so on, until nobody listens any more.
fn send_stretches<S: Source>(
    source: &S,
    size: u64,
    (first, step): (u64, u64),
    results: &SyncSender<Result<Leaves, Fault>>,
) {
    let bundles = size.div_ceil(TILE_WIDTH);
    let mut reader = source.reader();
    for bundle in (0..bundles).filter(|bundle| bundle / STRETCH % step == first) {
        if results.send(check(&mut reader, bundle, size)).is_err() {
            return;
        }
    }
}

/// One bundle: every entry is in its canonical form and has its own index, and a full tile has their hashes.
fn check(reader: &mut Reader<'_>, bundle: u64, size: u64) -> Result<Leaves, Fault> {
    let first = bundle * TILE_WIDTH;
    // At most 256.
    let width = TILE_WIDTH.min(size - first) as u16;
    let path = TilePath::entries(bundle, width);
    let mut bytes = read_with(reader, &path.to_string())?;
    let entries = decode_bundle(&bytes, width).map_err(|source| Fault::Bundle { path, source })?;
    let lengths: Vec<usize> = entries.iter().map(|entry| entry.len()).collect();
    let mut leaves = Vec::with_capacity(lengths.len());
    let mut end = 0;
    for (index, length) in (first..).zip(lengths) {
        // Its length stands before each entry, in two bytes that are done with.
        let start = end + 2;
        end = start + length;
        let claimed = Entry::check(&bytes[start..end]).map_err(|source| Fault::Entry { index, source })?;
        if claimed.0 != index {
            return Err(Fault::EntryIndex { index, claimed: claimed.0 });
        }
        leaves.push(leaf_hash_behind(&mut bytes[start - 1..end]));
    }
    if !path.is_full() {
        return Ok(Leaves::Few(leaves));
    }
    compare(reader, TilePath::hashes(0, bundle, 256), &leaves)?;
    Ok(Leaves::Tile(subtree(&leaves)))
}
