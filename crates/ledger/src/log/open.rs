//! Finding out what a folder holds: the checkpoint, the right edge, and the entries behind the checkpoint.
//!
//! This reads a bounded number of files however long the log is: the checkpoint, a tile a level, and the segments from
//! the last one that the checkpoint covers.

use bulkhead_core::Sha256;

use super::{CHECKPOINT, DurableEnd, EDGE};
use crate::backend::Backend;
use crate::checkpoint::Checkpoint;
use crate::edge::{Edge, count_at, width_at};
use crate::entry::Entry;
use crate::error::LedgerError;
use crate::head::HeadStore;
use crate::key::VerifierKey;
use crate::merkle::{leaf_hash, subtree};
use crate::segment::{SEGMENT_ENTRIES, Segment, path_of_segment};
use crate::tile::{TILE_WIDTH, TilePath, decode_hashes};

/// Reading while another process appends can see a frame half-written; so often it is tried again.
const TRIES: u32 = 4;

/// What a folder holds.
#[derive(Debug)]
pub(crate) struct Found {
    /// The checkpoint as it is served.
    pub(crate) note: Vec<u8>,
    /// Whether the folder's copy of it is up to date.
    pub(crate) published: bool,
    /// The tree that the checkpoint signs.
    pub(crate) edge: Edge,
    /// The leaves behind it, not integrated yet.
    pub(crate) leaves: Vec<Sha256>,
    /// Up to where whole entries go.
    pub(crate) end: DurableEnd,
    /// Bytes after that, of a batch that was never acknowledged.
    pub(crate) torn: usize,
}

/// What the folder holds, for its writer: from the head in the trusted place. Nothing when there is no ledger yet.
///
/// The folder's copy of the head may be missing or behind (a crash between the two writes), and is then published
/// again. It is never ahead and never another one: that would be a trusted place of another folder, or an old one.
pub(crate) fn find(
    backend: &dyn Backend,
    heads: &dyn HeadStore,
    key: &VerifierKey,
) -> Result<Option<Found>, LedgerError> {
    let head = heads.load().map_err(LedgerError::io("read", "the trusted head"))?;
    let copy = backend.read(CHECKPOINT).map_err(LedgerError::io("read", CHECKPOINT))?;
    let Some(note) = head else {
        // The first head, of the empty tree, is older than the first entry.
        let first = path_of_segment(0);
        if copy.is_some() || backend.exists(&first).map_err(LedgerError::io("look for", &first))? {
            return Err(LedgerError::NoHead);
        }
        return Ok(None);
    };
    let head = Checkpoint::verify(&note, key)?;
    let published = copy.as_ref() == Some(&note);
    if let Some(copy) = copy.filter(|_| !published) {
        let copy = Checkpoint::verify(&copy, key)?;
        if copy.size > head.size {
            let what = format!("the folder is at {} entries, the trusted head at {}", copy.size, head.size);
            return Err(LedgerError::Head(what));
        }
        if copy.size == head.size && copy.root != head.root {
            return Err(LedgerError::Head(format!("two heads of size {} have different roots", head.size)));
        }
    }
    Ok(Some(Found { published, ..found(backend, note, &head)? }))
}

/// What the folder holds, for a reader beside the process that appends: from the folder's copy of the head, which is
/// not verified.
pub(crate) fn find_while_written(backend: &dyn Backend) -> Result<Option<Found>, LedgerError> {
    let look = || {
        let note = backend.read(CHECKPOINT).map_err(LedgerError::io("read", CHECKPOINT))?;
        let Some(note) = note else { return Ok(None) };
        let checkpoint = Checkpoint::read_unverified(&note)?;
        found(backend, note, &checkpoint).map(Some)
    };
    let mut found = look();
    for _ in 1..TRIES {
        if !matches!(found, Err(LedgerError::Corrupt { .. })) {
            break;
        }
        found = look();
    }
    found
}

fn found(backend: &dyn Backend, note: Vec<u8>, head: &Checkpoint) -> Result<Found, LedgerError> {
    let entries = Behind::read(backend, head.size)?;
    let edge = read_edge(backend, head, &entries.partial)?;
    Ok(Found { note, published: true, edge, leaves: entries.leaves, end: entries.end, torn: entries.torn })
}

/// A full tile, when it has been written.
pub(crate) fn read_full_tile(backend: &dyn Backend, level: u8, index: u64) -> Result<Option<Vec<Sha256>>, LedgerError> {
    let path = TilePath::hashes(level, index, 256).to_string();
    let Some(bytes) = backend.read(&path).map_err(LedgerError::io("read", &path))? else { return Ok(None) };
    let hashes = decode_hashes(&bytes, 256).map_err(|error| LedgerError::corrupt(&path, 0, error.to_string()))?;
    Ok(Some(hashes))
}

/// The entries around the checkpoint's size and behind it.
struct Behind {
    /// Leaf hashes of the partial level-0 tile that the checkpoint covers.
    partial: Vec<Sha256>,
    leaves: Vec<Sha256>,
    end: DurableEnd,
    torn: usize,
}

impl Behind {
    fn read(backend: &dyn Backend, size: u64) -> Result<Self, LedgerError> {
        // The segment with the last covered entry must be there, to show that nothing was cut off.
        let mut number = size.saturating_sub(1) / SEGMENT_ENTRIES;
        let mut found = Self {
            partial: Vec::new(),
            leaves: Vec::new(),
            end: DurableEnd { entries: number * SEGMENT_ENTRIES, segment: number, bytes: 0 },
            torn: 0,
        };
        loop {
            let path = path_of_segment(number);
            let Some(bytes) = backend.read(&path).map_err(LedgerError::io("read", &path))? else { break };
            let segment = Segment::parse(number, bytes)?;
            found.take(&segment, size)?;
            found.end = DurableEnd { entries: segment.end(), segment: number, bytes: segment.whole().len() };
            found.torn = segment.torn();
            if !segment.is_full() {
                break;
            }
            if found.torn > 0 {
                return Err(LedgerError::corrupt(&path, found.end.bytes, "bytes follow the segment's last entry"));
            }
            number += 1;
        }
        found.check(backend, number, size)?;
        Ok(found)
    }

    fn take(&mut self, segment: &Segment, size: u64) -> Result<(), LedgerError> {
        let partial = size - size % TILE_WIDTH;
        for index in segment.first().max(partial)..segment.end() {
            let bytes = segment.entry(index).unwrap_or_default();
            if index < size {
                self.partial.push(leaf_hash(bytes));
                continue;
            }
            // Nothing is signed that could not be read back.
            let (seq, _) = Entry::decode(bytes)?;
            if seq.0 != index {
                let what = format!("entry {index} says that it is entry {seq}");
                return Err(LedgerError::corrupt(&path_of_segment(index / SEGMENT_ENTRIES), 0, what));
            }
            self.leaves.push(leaf_hash(bytes));
        }
        Ok(())
    }

    /// Nothing that was acknowledged is missing: not before the checkpoint's size, and no later segment exists.
    fn check(&self, backend: &dyn Backend, last: u64, size: u64) -> Result<(), LedgerError> {
        if self.end.entries < size {
            let what = format!("the checkpoint covers {size} entries, only {} are there", self.end.entries);
            return Err(LedgerError::corrupt(&path_of_segment(self.end.segment), self.end.bytes, what));
        }
        // The next one, and the first of the next folder of a thousand.
        for later in [last + 1, (last / 1000 + 1) * 1000] {
            let path = path_of_segment(later);
            if backend.exists(&path).map_err(LedgerError::io("look for", &path))? {
                let what = format!("the segment ends early, though {path} exists");
                return Err(LedgerError::corrupt(&path_of_segment(last), self.end.bytes, what));
            }
        }
        Ok(())
    }
}

/// The edge that the checkpoint signs: by the short cut, and if that leads elsewhere, from full tiles alone.
fn read_edge(backend: &dyn Backend, checkpoint: &Checkpoint, partial: &[Sha256]) -> Result<Edge, LedgerError> {
    let size = checkpoint.size;
    let bytes = backend.read(EDGE).map_err(LedgerError::io("read", EDGE))?;
    let short_cut = bytes.as_deref().and_then(Edge::parse_upper);
    let mut root = None;
    for upper in [short_cut, None] {
        let mut levels = vec![partial.to_vec()];
        for level in 1..8 {
            levels.push(read_partial(backend, size, level, upper.as_ref())?);
        }
        if let Some(edge) = Edge::new(size, levels) {
            if edge.root() == checkpoint.root {
                return Ok(edge);
            }
            root = Some(edge.root());
        }
    }
    let root = root.map_or("no root".to_owned(), |root| format!("root {root}"));
    let what = format!("entries and tiles have {root} at size {size}, the checkpoint signs root {}", checkpoint.root);
    Err(LedgerError::corrupt(CHECKPOINT, 0, what))
}

/// The partial tile of a level above 0. The short cut may be of a later size than the checkpoint (a crash between the
/// two): a tile's beginning never changes, so it still serves.
fn read_partial(
    backend: &dyn Backend,
    size: u64,
    level: u8,
    upper: Option<&(u64, Vec<Vec<Sha256>>)>,
) -> Result<Vec<Sha256>, LedgerError> {
    let (index, width) = (count_at(size, level) / TILE_WIDTH, width_at(size, level));
    if width == 0 {
        return Ok(Vec::new());
    }
    if let Some((upper_size, levels)) = upper
        && count_at(*upper_size, level) / TILE_WIDTH == index
        && let Some(hashes) = levels.get(usize::from(level)).and_then(|hashes| hashes.get(..width))
    {
        return Ok(hashes.to_vec());
    }
    let below = index * TILE_WIDTH..index * TILE_WIDTH + width as u64;
    below
        .map(|index| match read_full_tile(backend, level - 1, index)? {
            Some(hashes) => Ok(subtree(&hashes)),
            None => {
                let path = TilePath::hashes(level - 1, index, 256).to_string();
                Err(LedgerError::corrupt(&path, 0, "the tile is missing, though the checkpoint covers it"))
            }
        })
        .collect()
}
