//! `tiles MIRROR VERIFIER-KEY OLD-CHECKPOINT`: signature, inclusion of every hundredth entry with its bytes, and
//! consistency, by Cloudflare's crates. Ours is only the reading of files.

use std::error::Error;
use std::path::{Path, PathBuf};

use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint, Error as TlogError, Tile, TileHashReader, TileReader, check_record, check_tree, prove_record, prove_tree,
    record_hash,
};

struct Mirror(PathBuf);

impl Mirror {
    fn read(&self, tile: &Tile, kind: &str) -> std::io::Result<Vec<u8>> {
        // C2SP tlog-tiles has `tile/<L>/<N>` and `tile/entries/<N>` where these crates have `tile/8/...`.
        let path = tile.path().replace("tile/8/data/", "tile/8/entries/").replacen("tile/8/", "tile/", 1);
        assert!(path.starts_with(kind), "{path}");
        std::fs::read(self.0.join(path))
    }

    fn entry(&self, index: u64, size: u64) -> Result<Vec<u8>, Box<dyn Error>> {
        let width = (size - index / 256 * 256).min(256) as u32;
        let bytes = self.read(&Tile::new(8, 0, index / 256, width, true), "tile/entries/")?;
        let mut rest = bytes.as_slice();
        for left in (0..=index % 256).rev() {
            let (length, after) = rest.split_first_chunk::<2>().ok_or("an entry is missing")?;
            let (entry, after) = after.split_at_checked(u16::from_be_bytes(*length).into()).ok_or("an entry is cut")?;
            if left == 0 {
                return Ok(entry.to_vec());
            }
            rest = after;
        }
        Err("no entry".into())
    }
}

impl TileReader for Mirror {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, TlogError> {
        tiles.iter().map(|tile| self.read(tile, "tile/").map_err(|_| TlogError::InvalidTile)).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn checkpoint(path: &Path, key: &str) -> Result<Checkpoint, Box<dyn Error>> {
    let note = Note::from_bytes(&std::fs::read(path)?)?;
    let verifier = StandardVerifier::new(key)?;
    note.verify(&VerifierList::new(vec![Box::new(verifier)]))?;
    Checkpoint::from_bytes(note.text()).map_err(|_| "the checkpoint is malformed".into())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, key, old] = arguments.as_slice() else { return Err("usage: tiles MIRROR KEY OLD-CHECKPOINT".into()) };
    let mirror = Mirror(folder.into());
    let tree = checkpoint(&mirror.0.join("checkpoint"), key)?;
    let hashes = TileHashReader::new(tree.size(), *tree.hash(), &mirror);
    let mut inclusions = 0;
    for index in (0..tree.size()).step_by(100) {
        let leaf = record_hash(&mirror.entry(index, tree.size())?);
        let proof = prove_record(tree.size(), index, &hashes)?;
        check_record(&proof, tree.size(), *tree.hash(), index, leaf)?;
        inclusions += 1;
    }
    let before = checkpoint(Path::new(old), key)?;
    let proof = prove_tree(tree.size(), before.size(), &hashes)?;
    check_tree(&proof, tree.size(), *tree.hash(), before.size(), *before.hash())?;
    println!("verified: {} entries, {inclusions} inclusions, consistent with {}", tree.size(), before.size());
    Ok(())
}
