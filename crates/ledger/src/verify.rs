//! Verification of a whole log by somebody who trusts nothing but its verifier key.
//!
//! Everything is fetched as a client over HTTP would fetch it, by path, so the same code checks a ledger's folder, a
//! mirror of its resources, and a server.

use std::io;
use std::path::Path;

use bulkhead_core::Sha256;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::cosign::Cosigned;
use crate::edge::Edge;
use crate::entry::{Entry, EntryError};
use crate::error::LedgerError;
use crate::key::{Origin, VerifierKey};
use crate::log::Log;
use crate::merkle::leaf_hash;
use crate::mirror::Mirror;
use crate::tile::{TILE_WIDTH, TileError, TilePath, decode_bundle, encode_hashes};
use crate::trust::{Trust, Trusted};

mod bundles;
#[cfg(test)]
mod tests;

use bundles::Leaves;

/// Where a log's resources come from.
pub trait Source: Sync {
    /// The bytes at that path (`checkpoint`, `tile/...`), or nothing when there is no such resource.
    ///
    /// # Errors
    /// When that cannot be told.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// The same for one thread that asks for neighbours, one after the other.
    fn reader(&self) -> Reader<'_> {
        Box::new(|path| self.read(path))
    }
}

/// Reads the resource at a path.
pub type Reader<'a> = Box<dyn FnMut(&str) -> io::Result<Option<Vec<u8>>> + 'a>;

/// A log that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The log's name.
    pub origin: Origin,
    /// The number of entries that the checkpoint covers; every one of them was checked.
    pub size: u64,
    /// The root over them, recomputed and equal to the signed one.
    pub root: Sha256,
    /// Hash tiles compared, full and partial.
    pub tiles: u64,
    /// SHA-256 of the key, see [`VerifierKey::fingerprint`](crate::VerifierKey::fingerprint).
    pub key_fingerprint: Sha256,
    /// The known witnesses that cosigned the checkpoint.
    pub cosigned: Vec<Cosigned>,
    /// Entries in a ledger's folder behind the checkpoint: durable, readable, not covered by a signature yet.
    pub not_integrated: u64,
}

/// The first thing that is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A resource is not there.
    #[error("{0} is missing, though the checkpoint covers it")]
    Missing(String),
    /// A resource cannot be read.
    #[error("{path} cannot be read: {source}")]
    Read {
        /// Its path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A bundle is not one.
    #[error("{path}: {source}")]
    Bundle {
        /// Its path.
        path: TilePath,
        /// What is wrong.
        #[source]
        source: TileError,
    },
    /// An entry is not one.
    #[error("entry {index}: {source}")]
    Entry {
        /// Its index.
        index: u64,
        /// What is wrong.
        #[source]
        source: EntryError,
    },
    /// An entry claims another index.
    #[error("entry {index} says that it is entry {claimed}")]
    EntryIndex {
        /// Its index.
        index: u64,
        /// What it says.
        claimed: u64,
    },
    /// A tile is not what the entries make.
    #[error("{path} differs from the hashes of the entries at byte {offset}")]
    Tile {
        /// Its path.
        path: TilePath,
        /// The first byte that differs.
        offset: usize,
    },
    /// The entries make another root.
    #[error("the {size} entries have the root {computed}, the checkpoint signs {signed}")]
    Root {
        /// The size.
        size: u64,
        /// The root of the entries.
        computed: Sha256,
        /// The root in the checkpoint.
        signed: Sha256,
    },
    /// A compartment's checkpoint in the root log does not fit the compartment.
    #[error("the checkpoint in entry {index} of the root log does not fit the compartment: {what}")]
    Anchor {
        /// The root log's entry.
        index: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The log is shorter than what a mirror has of it.
    #[error("the log shows {found} entries, the mirror has {kept}: it was rolled back, or this is another log")]
    Shorter {
        /// What the mirror has.
        kept: u64,
        /// What the log shows.
        found: u64,
    },
    /// A ledger's folder cannot be opened, or an entry behind its checkpoint cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Verifies a whole log: the checkpoint's signature, every bundle, every entry (canonical, and with its own index),
/// every hash tile, and the root. Memory stays small whatever the log's size; the work is shared among the cores.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify<S: Source>(source: &S, trust: &impl Trust) -> Result<Report, Fault> {
    verify_note(source, &read(source, "checkpoint")?, trust)
}

/// The same for a checkpoint that came by another way, for instance one that was kept.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_note<S: Source>(source: &S, note: &[u8], trust: &impl Trust) -> Result<Report, Fault> {
    let Trusted { checkpoint, key, cosigned } = trust.check(note)?;
    let (mut edge, mut tiles) = (Edge::default(), 0);
    bundles::each(source, checkpoint.size, |leaves| {
        match leaves {
            Leaves::Tile(hash) => {
                tiles += 1;
                for tile in edge.push_tile(hash) {
                    compare(&mut source.reader(), TilePath::hashes(tile.level, tile.index, 256), &tile.hashes)?;
                    tiles += 1;
                }
            }
            Leaves::Few(hashes) => hashes.into_iter().for_each(|hash| drop(edge.push(hash))),
        }
        Ok(())
    })?;
    tiles += partial_tiles(source, &edge)?;
    report(checkpoint, &key, cosigned, edge.root(), tiles)
}

/// The same in one thread, and each entry goes to `visit` with the tree before it: what is looked at is what was verified, and
/// nothing is read twice.
///
/// # Errors
/// The first thing that is wrong, also with what `visit` finds.
pub(crate) fn verify_visiting<S: Source>(
    source: &S,
    trust: &impl Trust,
    mut visit: impl FnMut(&Edge, u64, &[u8]) -> Result<(), Fault>,
) -> Result<Report, Fault> {
    let Trusted { checkpoint, key, cosigned } = trust.check(&read(source, "checkpoint")?)?;
    let (mut edge, mut tiles, mut reader) = (Edge::default(), 0, source.reader());
    for first in (0..checkpoint.size).step_by(TILE_WIDTH as usize) {
        let width = TILE_WIDTH.min(checkpoint.size - first) as u16;
        let path = TilePath::entries(first / TILE_WIDTH, width);
        let bundle = read_with(&mut reader, &path.to_string())?;
        for (index, bytes) in
            (first..).zip(decode_bundle(&bundle, width).map_err(|source| Fault::Bundle { path, source })?)
        {
            let claimed = Entry::check(bytes).map_err(|source| Fault::Entry { index, source })?;
            if claimed.0 != index {
                return Err(Fault::EntryIndex { index, claimed: claimed.0 });
            }
            visit(&edge, index, bytes)?;
            for tile in edge.push(leaf_hash(bytes)) {
                compare(&mut reader, TilePath::hashes(tile.level, tile.index, 256), &tile.hashes)?;
                tiles += 1;
            }
        }
    }
    tiles += partial_tiles(source, &edge)?;
    report(checkpoint, &key, cosigned, edge.root(), tiles)
}

/// Compares the partial tiles at the right edge; how many there are.
fn partial_tiles<S: Source>(source: &S, edge: &Edge) -> Result<u64, Fault> {
    let mut tiles = 0;
    for level in (0..edge.height()).filter(|level| !edge.partial(*level).is_empty()) {
        let hashes = edge.partial(level);
        let index = crate::edge::count_at(edge.size(), level) / TILE_WIDTH;
        compare(&mut source.reader(), TilePath::hashes(level, index, hashes.len() as u16), hashes)?;
        tiles += 1;
    }
    Ok(tiles)
}

/// The report, once the root is the signed one.
fn report(
    checkpoint: Checkpoint,
    key: &VerifierKey,
    cosigned: Vec<Cosigned>,
    computed: Sha256,
    tiles: u64,
) -> Result<Report, Fault> {
    let Checkpoint { origin, size, root } = checkpoint;
    if computed != root {
        return Err(Fault::Root { size, computed, signed: root });
    }
    Ok(Report { origin, size, root, tiles, key_fingerprint: key.fingerprint(), cosigned, not_integrated: 0 })
}

/// Verifies a folder: a ledger's own, whether its server runs or not, or a mirror of its resources. In a ledger's own
/// folder that is the newest signed checkpoint, or the newest cosigned one when cosignatures are asked for; the entries
/// behind it are read too.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_folder<T: Trust>(folder: &Path, trust: &T) -> Result<Report, Fault> {
    if !folder.join("segment").is_dir() {
        return verify(&Mirror::new(folder), trust);
    }
    let log = Log::open_read_only(folder)?;
    let cosigned = log.cosigned().filter(|_| trust.needs_witnesses());
    let mut report = verify_note(&log, &cosigned.unwrap_or_else(|| log.checkpoint()), trust)?;
    for entry in log.entries(report.size..log.size()) {
        entry?;
        report.not_integrated += 1;
    }
    Ok(report)
}

impl Source for Log {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.resource(path).map_err(io::Error::other)?.map(|served| served.bytes))
    }

    fn reader(&self) -> Reader<'_> {
        // A log of its own keeps the segment that it read last to itself.
        let own = self.apart();
        Box::new(move |path| own.read(path))
    }
}

pub(crate) fn read<S: Source>(source: &S, path: &str) -> Result<Vec<u8>, Fault> {
    read_with(&mut |path| source.read(path), path)
}

fn read_with(reader: &mut dyn FnMut(&str) -> io::Result<Option<Vec<u8>>>, path: &str) -> Result<Vec<u8>, Fault> {
    let bytes = reader(path).map_err(|source| Fault::Read { path: path.to_owned(), source })?;
    bytes.ok_or_else(|| Fault::Missing(path.to_owned()))
}

fn compare(reader: &mut Reader<'_>, path: TilePath, hashes: &[Sha256]) -> Result<(), Fault> {
    let (theirs, ours) = (read_with(reader, &path.to_string())?, encode_hashes(hashes));
    if theirs == ours {
        return Ok(());
    }
    let offset = theirs.iter().zip(&ours).take_while(|(theirs, ours)| theirs == ours).count();
    Err(Fault::Tile { path, offset })
}
