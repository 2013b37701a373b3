//! Integration: leaves become tiles, tiles a root, the root a signed checkpoint. Start after a crash uses it as well.

use super::{CHECKPOINT, EDGE, Log};
use crate::checkpoint::Checkpoint;
use crate::error::LedgerError;
use crate::key::{Origin, SigningKey};
use crate::tile::{TilePath, encode_hashes};

use bulkhead_core::Sha256;

/// Signs the tree's heads.
pub(crate) struct Signer {
    pub(crate) origin: Origin,
    pub(crate) key: SigningKey,
}

/// Adds leaves to the tree and signs the new head. The leaves' entries must be durable.
///
/// The order is the proof: entries are durable before this starts, tiles before the checkpoint, and readers learn of
/// the checkpoint last. A crash between any two steps leaves tiles that the same leaves will make again, with the same
/// bytes; a tile that is there with other bytes means that the log's history is not what it was.
///
/// # Errors
/// When files cannot be written; the leaves are then to be handed in again. When a tile exists with other content.
pub(crate) fn integrate(log: &Log, signer: &Signer, leaves: &[Sha256]) -> Result<u64, LedgerError> {
    let mut edge = (*log.edge()).clone();
    if leaves.is_empty() {
        return Ok(edge.size());
    }
    let backend = log.backend();
    let mut files = Vec::new();
    for leaf in leaves {
        for tile in edge.push(*leaf) {
            let path = TilePath::hashes(tile.level, tile.index, 256).to_string();
            let bytes = encode_hashes(&tile.hashes);
            let present = backend.read(&path).map_err(LedgerError::io("read", &path))?;
            if let Some(at) = present.and_then(|present| first_difference(&present, &bytes)) {
                return Err(LedgerError::corrupt(&path, at, "the tile exists and has other hashes"));
            }
            // Written again even when it is there: its name may not be durable yet.
            files.push((path, bytes));
        }
    }
    if !files.is_empty() {
        files.push((EDGE.to_owned(), edge.upper_bytes()));
        backend.replace(&files).map_err(LedgerError::io("write", "tile"))?;
    }
    let size = edge.size();
    let note = Checkpoint { origin: signer.origin.clone(), size, root: edge.root() }.sign(&signer.key)?;
    backend.replace(&[(CHECKPOINT.to_owned(), note.clone())]).map_err(LedgerError::io("write", CHECKPOINT))?;
    log.set_checkpoint(edge, note);
    Ok(size)
}

fn first_difference(left: &[u8], right: &[u8]) -> Option<usize> {
    let same = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    (same < left.len().max(right.len())).then_some(same)
}
