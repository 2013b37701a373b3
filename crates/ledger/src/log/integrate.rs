//! Integration: leaves become tiles, tiles a root, the root a signed checkpoint. Start after a crash uses it as well.

use std::sync::Arc;

use bulkhead_core::Sha256;

use super::{CHECKPOINT, EDGE, Log};
use crate::checkpoint::Checkpoint;
use crate::error::LedgerError;
use crate::head::{HeadStore, Swap};
use crate::key::{Origin, SigningKey};
use crate::tile::{TilePath, encode_hashes};

/// Signs the tree's heads.
pub(crate) struct Signer {
    pub(crate) origin: Origin,
    pub(crate) key: SigningKey,
    /// Where the newest of them is kept.
    pub(crate) heads: Arc<dyn HeadStore>,
}

/// Adds leaves to the tree, signs the new head, and publishes it. The leaves' entries must be durable.
///
/// The order is the proof: entries are durable before this starts, tiles before the head is swapped in, and the copy
/// that readers of the folder see comes last. A crash between any two steps leaves tiles that the same leaves will make
/// again, with the same bytes, or a copy that is one head behind; a tile that is there with other bytes means that the
/// log's history is not what it was.
///
/// # Errors
/// When files cannot be written. How far it came stands in [`Log::integrated`]: leaves behind it are to be handed in
/// again. When a tile exists with other content, or the trusted place is not known to hold what was put there.
pub(crate) fn integrate(log: &Log, signer: &Signer, leaves: &[Sha256]) -> Result<u64, LedgerError> {
    publish(log)?;
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
    commit(&*signer.heads, Some(&log.checkpoint()), &note)?;
    // The copy first, so that whoever is shown this head finds it in the folder too; and whether that worked or not, the
    // head is the head from here on.
    let copied = write_copy(log, &note);
    log.set_checkpoint(edge, note, copied.is_ok());
    copied.map(|()| size)
}

/// Puts a head into the trusted place. When the answer is an error, what is there now decides: the old head, then
/// nothing has happened and it is tried again; the new one, then it is written once more, because a rename that was
/// seen may still not be durable; anything else or nothing, then nobody knows which heads exist, and going on could
/// sign a second history.
///
/// # Errors
/// When the new head is not there. Fatal when it cannot be told, or another writer was faster.
pub(crate) fn commit(heads: &dyn HeadStore, old: Option<&[u8]>, new: &[u8]) -> Result<(), LedgerError> {
    let error = match heads.swap(old, new) {
        Ok(Swap::Done) => return Ok(()),
        Ok(Swap::Other) => return Err(LedgerError::OtherWriter),
        Err(error) => error,
    };
    match heads.load() {
        Ok(found) if found.as_deref() == old => Err(LedgerError::io("swap", "the trusted head")(error)),
        Ok(Some(found)) if found == new => match heads.swap(Some(new), new) {
            Ok(Swap::Done) => Ok(()),
            Ok(Swap::Other) => Err(LedgerError::OtherWriter),
            Err(again) => Err(LedgerError::unknown_head(again)),
        },
        Ok(_) => Err(LedgerError::OtherWriter),
        Err(_) => Err(LedgerError::unknown_head(error)),
    }
}

/// Writes the copy of the head that lies beside the tiles, when it is not there yet.
///
/// # Errors
/// When it cannot be written: it is then one head behind, which readers take for an older log.
pub(crate) fn publish(log: &Log) -> Result<(), LedgerError> {
    let Some(note) = log.unpublished() else { return Ok(()) };
    write_copy(log, &note)?;
    log.set_published();
    Ok(())
}

fn write_copy(log: &Log, note: &[u8]) -> Result<(), LedgerError> {
    log.backend().replace(&[(CHECKPOINT.to_owned(), note.to_vec())]).map_err(LedgerError::io("write", CHECKPOINT))
}

fn first_difference(left: &[u8], right: &[u8]) -> Option<usize> {
    let same = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    (same < left.len().max(right.len())).then_some(same)
}
