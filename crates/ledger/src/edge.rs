//! The right edge of the tree: the partial tile of each level, which is all that appending needs to know.

use bulkhead_core::Sha256;

use crate::merkle::{empty_root, node_hash, subtree};
use crate::tile::{TILE_WIDTH, decode_hashes, encode_hashes};

#[cfg(test)]
mod tests;

/// The partial tiles of a tree of `size` leaves, level 0 first. Level `l` has `floor(size / 256^l) mod 256` hashes
/// (C2SP tlog-tiles, "Partial Tiles").
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Edge {
    size: u64,
    levels: Vec<Vec<Sha256>>,
}

/// A tile that an append has filled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FullTile {
    pub(crate) level: u8,
    pub(crate) index: u64,
    pub(crate) hashes: Vec<Sha256>,
}

impl Edge {
    /// The edge of a tree of that size with these partial tiles, when each has the width that it must have.
    pub(crate) fn new(size: u64, mut levels: Vec<Vec<Sha256>>) -> Option<Self> {
        while levels.last().is_some_and(Vec::is_empty) {
            levels.pop();
        }
        let fits = (0_u8..8).all(|level| levels.get(usize::from(level)).map_or(0, Vec::len) == width_at(size, level));
        (fits && levels.len() <= 8).then_some(Self { size, levels })
    }

    /// The number of leaves.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The partial tile of that level; empty when the level has none.
    pub(crate) fn partial(&self, level: u8) -> &[Sha256] {
        self.levels.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// The number of levels with a partial tile, counted to the highest.
    pub(crate) fn height(&self) -> u8 {
        // At most eight, since eight levels hold 2^64 leaves.
        self.levels.len() as u8
    }

    /// Appends a leaf and gives the tiles that became full, lowest first.
    pub(crate) fn push(&mut self, leaf: Sha256) -> Vec<FullTile> {
        self.size += 1;
        self.carry(0, leaf)
    }

    /// Appends 256 leaves at once, by the hash over them: possible where the tree so far ends with a full tile. Gives the
    /// tiles above level 0 that became full, lowest first.
    pub(crate) fn push_tile(&mut self, hash: Sha256) -> Vec<FullTile> {
        debug_assert!(self.partial(0).is_empty(), "the tile before is not full");
        self.size += TILE_WIDTH;
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        self.carry(1, hash)
    }

    fn carry(&mut self, mut level: u8, hash: Sha256) -> Vec<FullTile> {
        let (mut full, mut carry) = (Vec::new(), hash);
        loop {
            let place = usize::from(level);
            if self.levels.len() == place {
                self.levels.push(Vec::new());
            }
            self.levels[place].push(carry);
            if self.levels[place].len() < TILE_WIDTH as usize {
                break;
            }
            let hashes = std::mem::take(&mut self.levels[place]);
            carry = subtree(&hashes);
            full.push(FullTile { level, index: count_at(self.size, level) / TILE_WIDTH - 1, hashes });
            level += 1;
        }
        full
    }

    /// The root over all leaves.
    pub(crate) fn root(&self) -> Sha256 {
        let mut root = None;
        for hashes in &self.levels {
            // The perfect subtrees of a partial tile are as wide as the bits of its width, the widest first.
            let mut right = hashes.len();
            for bit in 0..8 {
                let width = 1 << bit;
                if hashes.len() & width != 0 {
                    let tree = subtree(&hashes[right - width..right]);
                    right -= width;
                    root = Some(root.map_or(tree, |root| node_hash(&tree, &root)));
                }
            }
        }
        root.unwrap_or_else(empty_root)
    }

    /// Everything but level 0, for the `edge` file: the size, then the partial tiles from level 1 up.
    pub(crate) fn upper_bytes(&self) -> Vec<u8> {
        let levels = self.levels.iter().skip(1).flat_map(|hashes| encode_hashes(hashes));
        self.size.to_be_bytes().into_iter().chain(levels).collect()
    }

    /// Reads an `edge` file back: the size, and the partial tiles with level 0 left empty. Nothing when the bytes are
    /// not one; it is only a short cut, so the reader then takes the long way.
    pub(crate) fn parse_upper(bytes: &[u8]) -> Option<(u64, Vec<Vec<Sha256>>)> {
        let (size, mut rest) = bytes.split_first_chunk::<8>()?;
        let size = u64::from_be_bytes(*size);
        let mut levels = vec![Vec::new()];
        for level in 1..8 {
            let width = width_at(size, level);
            let (tile, after) = rest.split_at_checked(width * 32)?;
            levels.push(decode_hashes(tile, u16::try_from(width).ok()?).ok()?);
            rest = after;
        }
        rest.is_empty().then_some((size, levels))
    }
}

/// How many hashes a tree of that size has at a tile level, in full and partial tiles together.
pub(crate) fn count_at(size: u64, level: u8) -> u64 {
    size.checked_shr(u32::from(level) * 8).unwrap_or(0)
}

/// The width of the partial tile at a level.
pub(crate) fn width_at(size: u64, level: u8) -> usize {
    (count_at(size, level) % TILE_WIDTH) as usize
}
