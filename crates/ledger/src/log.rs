//! The log on disk, for reading: entries, bundles, tiles, checkpoint and proofs, while the sequencer writes.
//!
//! ```text
//! lock             held by the one process that writes
//! checkpoint       a copy of the newest signed checkpoint, replaced atomically; the original is in the trusted place
//! cosigned         the newest checkpoint that a quorum of witnesses has cosigned, when there are witnesses
//! segment/<N>      4,096 entries each, the source of truth (see segment.rs)
//! tile/<L>/<N>     full hash tiles, immutable
//! edge             a short cut for starting, rebuilt when it is missing or wrong
//! ```
//!
//! Everything but `lock`, `segment`, `cosigned` and `edge` has the form and place of C2SP tlog-tiles. Bundles and partial tiles are
//! made from segments and from the right edge of the tree when they are asked for.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use bulkhead_core::{EntryIndex, Sha256};

use crate::backend::{Backend, Folder};
use crate::checkpoint::Checkpoint;
use crate::edge::{Edge, count_at, width_at};
use crate::error::LedgerError;
use crate::merkle::{self, Nodes, subtree};
use crate::proof::TlogProof;
use crate::segment::{SEGMENT_ENTRIES, Segment, path_of, path_of_segment};
use crate::tile::{self, TILE_WIDTH, TileKind, TilePath};

mod entries;
pub(crate) mod integrate;
pub(crate) mod open;
pub(crate) mod tail;

#[cfg(test)]
mod cosigned_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod tests;

pub use entries::{Entries, EntriesAhead};

pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const EDGE: &str = "edge";
pub(crate) const COSIGNED: &str = "cosigned";
/// The resource that always has the newest signed checkpoint, whether witnesses have cosigned it yet or not.
pub const UNWITNESSED: &str = "checkpoint.unwitnessed";

/// A log that can be read from any thread while its sequencer writes. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
}

/// A resource as HTTP serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The body.
    pub bytes: Vec<u8>,
    /// Whether it never changes, so that it may be cached for ever. The checkpoint changes.
    pub immutable: bool,
}

struct Shared {
    backend: Arc<dyn Backend>,
    state: RwLock<State>,
    /// The last segment read, because bundles and exposure ask for neighbours.
    recent: Mutex<Option<Arc<Segment>>>,
}

/// What is known to be durable. The writer thread moves `end`, the integrating thread the rest.
#[derive(Clone)]
struct State {
    end: DurableEnd,
    edge: Arc<Edge>,
    checkpoint: Arc<[u8]>,
    /// Whether the folder's copy of the checkpoint is that one.
    published: bool,
    cosigned: Option<Cosigned>,
}

/// The newest cosigned checkpoint, and the size that it is of: never more than the signed one's.
#[derive(Clone)]
struct Cosigned {
    size: u64,
    note: Arc<[u8]>,
}

/// Up to where entries are durable. Bytes behind it may be half-written or about to be cut off: nobody reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DurableEnd {
    /// The number of durable entries.
    pub(crate) entries: u64,
    /// The segment being appended to.
    pub(crate) segment: u64,
    /// The durable bytes of that segment.
    pub(crate) bytes: usize,
}

impl Log {
    /// Opens a ledger's folder for reading only: no lock, nothing repaired, while its server runs or not. Nothing is
    /// verified beyond what reading needs; see [`crate::verify`].
    ///
    /// # Errors
    /// When the folder holds no ledger, or one that is damaged where reading starts.
    pub fn open_read_only(folder: &Path) -> Result<Self, LedgerError> {
        let backend: Arc<dyn Backend> = Arc::new(Folder::existing(folder));
        let found = open::find_while_written(&*backend)?;
        let found = found.ok_or_else(|| LedgerError::corrupt(CHECKPOINT, 0, "there is no checkpoint"))?;
        let log = Self::new(backend, &found);
        log.read_cosigned()?;
        Ok(log)
    }

    pub(crate) fn new(backend: Arc<dyn Backend>, found: &open::Found) -> Self {
        let state = State {
            end: found.end,
            edge: Arc::new(found.edge.clone()),
            checkpoint: found.note.as_slice().into(),
            published: found.published,
            cosigned: None,
        };
        Self { shared: Arc::new(Shared { backend, state: RwLock::new(state), recent: Mutex::default() }) }
    }

    /// The log as it is now, for one reader of many entries: what it read last it need not share.
    pub(crate) fn apart(&self) -> Self {
        let state = RwLock::new(self.state().clone());
        Self { shared: Arc::new(Shared { backend: Arc::clone(&self.shared.backend), state, recent: Mutex::default() }) }
    }

    /// The number of durable entries, integrated or not.
    pub fn size(&self) -> u64 {
        self.end().entries
    }

    /// The number of entries that the checkpoint covers.
    pub fn integrated(&self) -> u64 {
        self.edge().size()
    }

    /// The newest signed checkpoint, cosigned or not.
    pub fn checkpoint(&self) -> Vec<u8> {
        self.snapshot().1.to_vec()
    }

    /// The newest checkpoint that a quorum of witnesses has cosigned.
    pub fn cosigned(&self) -> Option<Vec<u8>> {
        self.state().cosigned.as_ref().map(|cosigned| cosigned.note.to_vec())
    }

    /// The bytes of one durable entry; nothing when there is no such entry.
    ///
    /// # Errors
    /// When its segment cannot be read or is damaged.
    pub fn entry_bytes(&self, index: EntryIndex) -> Result<Option<Vec<u8>>, LedgerError> {
        if index.0 >= self.size() {
            return Ok(None);
        }
        let segment = self.segment_with(index.0)?;
        Ok(segment.entry(index.0).map(<[u8]>::to_vec))
    }

    /// The durable entries of a range, in order; the range is cut to what there is when this is called.
    pub fn entries(&self, range: Range<u64>) -> Entries {
        Entries::new(self.clone(), range.start..range.end.min(self.size()))
    }

    /// The same, read and decoded by a thread of its own while the caller is busy with those before: for whoever goes
    /// through the whole log.
    pub fn entries_ahead(&self, range: Range<u64>) -> EntriesAhead {
        EntriesAhead::new(self.entries(range))
    }

    /// The bundle of entries with that index and width; nothing when the checkpoint does not cover it.
    ///
    /// # Errors
    /// When a segment cannot be read or is damaged.
    pub fn entry_bundle(&self, index: u64, width: u16) -> Result<Option<Vec<u8>>, LedgerError> {
        if !covers(self.integrated(), 0, index, width) {
            return Ok(None);
        }
        let mut bundle = Vec::new();
        // All of it is in one segment, whose size is a multiple of a bundle's.
        let start = index * TILE_WIDTH;
        let segment = self.segment_with(start + u64::from(width) - 1)?;
        for index in start..start + u64::from(width) {
            let entry = segment.entry(index).ok_or_else(|| missing(index))?;
            tile::push_entry(&mut bundle, entry)
                .map_err(|error| LedgerError::corrupt(&path_of(index), 0, error.to_string()))?;
        }
        Ok(Some(bundle))
    }

    /// The hashes of a tile; nothing when the checkpoint does not cover it.
    ///
    /// # Errors
    /// When the tile cannot be read or is damaged.
    pub fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, LedgerError> {
        let hashes = self.tile_hashes(&self.edge(), level, index, width)?;
        Ok(hashes.map(|hashes| tile::encode_hashes(&hashes)))
    }

    /// What HTTP serves at that path below the log's prefix: `checkpoint` (the newest cosigned one when there are
    /// witnesses), `checkpoint.unwitnessed`, `tile/...`, `tile/entries/...`. Nothing for any other path. Never panics,
    /// whatever the path.
    ///
    /// # Errors
    /// When a file cannot be read or is damaged.
    pub fn resource(&self, path: &str) -> Result<Option<Served>, LedgerError> {
        if path == CHECKPOINT {
            let bytes = self.cosigned().unwrap_or_else(|| self.checkpoint());
            return Ok(Some(Served { bytes, immutable: false }));
        }
        if path == UNWITNESSED {
            return Ok(Some(Served { bytes: self.checkpoint(), immutable: false }));
        }
        let Ok(TilePath { kind, index, width }) = path.parse() else { return Ok(None) };
        let bytes = match kind {
            TileKind::Entries => self.entry_bundle(index, width)?,
            TileKind::Hashes(level) => self.tile(level, index, width)?,
        };
        Ok(bytes.map(|bytes| Served { bytes, immutable: true }))
    }

    /// The offline proof of one entry, without its bytes: against the cosigned checkpoint when that covers it, else
    /// against the newest signed one. Nothing when neither covers it yet.
    ///
    /// # Errors
    /// When a tile cannot be read or is damaged.
    pub fn inclusion_proof(&self, index: EntryIndex) -> Result<Option<TlogProof>, LedgerError> {
        let cosigned = self.state().cosigned.clone().filter(|cosigned| index.0 < cosigned.size);
        let (edge, newest) = self.snapshot();
        let (size, checkpoint) = match cosigned {
            Some(Cosigned { size, note }) => (size, note),
            None => (edge.size(), newest),
        };
        if index.0 >= size {
            return Ok(None);
        }
        let path = merkle::inclusion_proof(&TileNodes::new(self, edge), index.0, size)?;
        Ok(Some(TlogProof { extra: None, index: index.0, path, checkpoint: checkpoint.to_vec() }))
    }

    /// The same proof with the entry's bytes in it as extra data, so that the file needs nothing beside it.
    ///
    /// # Errors
    /// When a tile or segment cannot be read or is damaged.
    pub fn proof_with_entry(&self, index: EntryIndex) -> Result<Option<TlogProof>, LedgerError> {
        let Some(proof) = self.inclusion_proof(index)? else { return Ok(None) };
        Ok(Some(TlogProof { extra: self.entry_bytes(index)?, ..proof }))
    }

    /// The proof that the tree of `old` entries is the beginning of the tree of `size` entries.
    ///
    /// # Errors
    /// When `old` is greater than `size`, the checkpoint does not cover `size`, or a tile is unreadable or damaged.
    pub fn consistency_proof(&self, old: u64, size: u64) -> Result<Vec<Sha256>, LedgerError> {
        let edge = self.edge();
        merkle::within("size", size, edge.size())?;
        merkle::consistency_proof(&TileNodes::new(self, edge), old, size)
    }

    /// The root of the tree when it had `size` entries.
    ///
    /// # Errors
    /// When the checkpoint does not cover `size`, or a tile is unreadable or damaged.
    pub fn root(&self, size: u64) -> Result<Sha256, LedgerError> {
        let edge = self.edge();
        merkle::within("size", size, edge.size())?;
        merkle::root(&TileNodes::new(self, edge), size)
    }

    /// Takes the cosigned checkpoint from its file.
    pub(crate) fn read_cosigned(&self) -> Result<(), LedgerError> {
        let note = self.backend().read(COSIGNED).map_err(LedgerError::io("read", COSIGNED))?;
        match note.filter(|note| !note.is_empty()) {
            Some(note) => self.set_cosigned(Some(note)),
            None => Ok(()),
        }
    }

    /// Makes a checkpoint the cosigned one, for this process. Whether its cosignatures are a quorum is the caller's
    /// business; that it is one of this log is checked here, because it comes back from outside: a longer one than ours,
    /// or another root, means that this folder is not the newest one.
    ///
    /// # Errors
    /// When it is not a checkpoint of this log's past.
    pub(crate) fn set_cosigned(&self, note: Option<Vec<u8>>) -> Result<(), LedgerError> {
        let cosigned = match note {
            None => None,
            Some(note) => {
                let claimed = Checkpoint::read_unverified(&note)?;
                if claimed.size > self.integrated() {
                    let what = format!("it covers {} entries, this log has signed {}", claimed.size, self.integrated());
                    return Err(LedgerError::corrupt(COSIGNED, 0, what));
                }
                if self.root(claimed.size)? != claimed.root {
                    return Err(LedgerError::corrupt(COSIGNED, 0, "it has another root than this log at that size"));
                }
                Some(Cosigned { size: claimed.size, note: note.into() })
            }
        };
        self.shared.state.write().unwrap_or_else(PoisonError::into_inner).cosigned = cosigned;
        Ok(())
    }

    /// The checkpoint that the folder has no copy of yet.
    pub(crate) fn unpublished(&self) -> Option<Arc<[u8]>> {
        let state = self.state();
        (!state.published).then(|| Arc::clone(&state.checkpoint))
    }

    pub(crate) fn set_published(&self) {
        self.shared.state.write().unwrap_or_else(PoisonError::into_inner).published = true;
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.shared.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn end(&self) -> DurableEnd {
        self.state().end
    }

    pub(crate) fn edge(&self) -> Arc<Edge> {
        self.snapshot().0
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.shared.backend
    }

    pub(crate) fn set_end(&self, end: DurableEnd) {
        self.shared.state.write().unwrap_or_else(PoisonError::into_inner).end = end;
    }

    pub(crate) fn set_checkpoint(&self, edge: Edge, checkpoint: Vec<u8>, published: bool) {
        let mut state = self.shared.state.write().unwrap_or_else(PoisonError::into_inner);
        state.edge = Arc::new(edge);
        state.checkpoint = checkpoint.into();
        state.published = published;
    }

    /// Edge and checkpoint of the same size.
    fn snapshot(&self) -> (Arc<Edge>, Arc<[u8]>) {
        let state = self.state();
        (Arc::clone(&state.edge), Arc::clone(&state.checkpoint))
    }

    fn tile_hashes(&self, edge: &Edge, level: u8, index: u64, width: u16) -> Result<Option<Vec<Sha256>>, LedgerError> {
        if !covers(edge.size(), level, index, width) {
            return Ok(None);
        }
        let wanted = usize::from(width);
        if index == count_at(edge.size(), level) / TILE_WIDTH {
            return Ok(Some(edge.partial(level)[..wanted].to_vec()));
        }
        let full = open::read_full_tile(self.backend(), level, index)?;
        let mut hashes = full.ok_or_else(|| {
            LedgerError::corrupt(&TilePath::hashes(level, index, 256).to_string(), 0, "the tile is missing")
        })?;
        hashes.truncate(wanted);
        Ok(Some(hashes))
    }

    /// The segment that holds this entry, which is durable.
    fn segment_with(&self, index: u64) -> Result<Arc<Segment>, LedgerError> {
        let number = index / SEGMENT_ENTRIES;
        let mut recent = self.shared.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = recent.as_ref().filter(|segment| segment.entry(index).is_some()) {
            return Ok(Arc::clone(segment));
        }
        // First the end, then the file: what lies before the end no longer changes.
        let end = self.end();
        let path = path_of_segment(number);
        let bytes = self.backend().read(&path).map_err(LedgerError::io("read", &path))?;
        let mut bytes = bytes.ok_or_else(|| LedgerError::corrupt(&path, 0, "the segment is missing"))?;
        if number == end.segment {
            bytes.truncate(end.bytes);
        }
        let segment = Arc::new(Segment::parse(number, bytes)?);
        if segment.entry(index).is_none() {
            return Err(missing(index));
        }
        *recent = Some(Arc::clone(&segment));
        Ok(segment)
    }
}

/// Whether a tree of that size has this tile, at least so wide.
fn covers(size: u64, level: u8, index: u64, width: u16) -> bool {
    let full = count_at(size, level) / TILE_WIDTH;
    let wide = if index < full { TILE_WIDTH } else { width_at(size, level) as u64 };
    index <= full && (1..=wide).contains(&u64::from(width))
}

fn missing(index: u64) -> LedgerError {
    LedgerError::corrupt(&path_of(index), 0, format!("the durable entry {index} is missing"))
}

/// The tree's hashes as tiles have them: every eighth level is stored, those between are hashed again.
struct TileNodes<'a> {
    log: &'a Log,
    edge: Arc<Edge>,
    /// A proof asks for several nodes of the same few tiles.
    tiles: RefCell<BTreeMap<(u8, u64), Vec<Sha256>>>,
}

impl<'a> TileNodes<'a> {
    fn new(log: &'a Log, edge: Arc<Edge>) -> Self {
        Self { log, edge, tiles: RefCell::default() }
    }
}

impl Nodes for TileNodes<'_> {
    type Error = LedgerError;

    fn node(&self, level: u32, index: u64) -> Result<Sha256, LedgerError> {
        let (tile_level, height) = ((level / 8) as u8, level % 8);
        let first = index << height;
        let (tile, place) = (first / TILE_WIDTH, (first % TILE_WIDTH) as usize);
        let mut tiles = self.tiles.borrow_mut();
        let hashes = match tiles.entry((tile_level, tile)) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let full = tile < count_at(self.edge.size(), tile_level) / TILE_WIDTH;
                let width = if full { 256 } else { width_at(self.edge.size(), tile_level) as u16 };
                let hashes = self.log.tile_hashes(&self.edge, tile_level, tile, width)?;
                entry.insert(hashes.unwrap_or_default())
            }
        };
        let range = place..place + (1 << height);
        let hashes = hashes.get(range).ok_or_else(|| {
            LedgerError::corrupt(&TilePath::hashes(tile_level, tile, 256).to_string(), 0, "the tile is too narrow")
        })?;
        Ok(subtree(hashes))
    }
}
