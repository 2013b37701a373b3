//! Tiles and entry bundles (C2SP tlog-tiles): their paths and their bytes.

use std::fmt;
use std::str::FromStr;

use bulkhead_core::Sha256;

use crate::checkpoint::decimal;

#[cfg(test)]
mod tests;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;
/// Levels above it are empty in any tree of fewer than 2^64 entries.
pub const MAX_LEVEL: u8 = 63;

/// What a tile path names: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TilePath {
    /// Hashes of a level, or entries.
    pub kind: TileKind,
    /// The index within the level.
    pub index: u64,
    /// How many hashes or entries: 256 for a full one.
    pub width: u16,
}

/// Hashes of a level, or entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TileKind {
    /// Hashes of that level, 0 to 63; level 0 has leaf hashes.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// The path or the bytes are not those of a tile or bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// Not a path.
    #[error("`{0}` is not the path of a tile")]
    Path(String),
    /// Not so many hashes.
    #[error("the tile has {found} bytes, {wanted} are wanted")]
    Size {
        /// Bytes it must have.
        wanted: usize,
        /// Bytes it has.
        found: usize,
    },
    /// Not so many entries.
    #[error("the entry bundle is malformed at byte {offset}: {what}")]
    Bundle {
        /// Where.
        offset: usize,
        /// What is wrong.
        what: &'static str,
    },
}

impl TilePath {
    /// A tile of hashes; a width of 256 is a full one.
    pub fn hashes(level: u8, index: u64, width: u16) -> Self {
        Self { kind: TileKind::Hashes(level), index, width }
    }

    /// A bundle of entries; a width of 256 is a full one.
    pub fn entries(index: u64, width: u16) -> Self {
        Self { kind: TileKind::Entries, index, width }
    }

    /// Whether it has all its 256 hashes or entries.
    pub fn is_full(self) -> bool {
        u64::from(self.width) == TILE_WIDTH
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = grouped(self.index);
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/{index}")?,
            TileKind::Entries => write!(f, "tile/entries/{index}")?,
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for TilePath {
    type Err = TileError;

    /// Reads a path in its only permitted spelling. Never panics, whatever the text.
    fn from_str(text: &str) -> Result<Self, TileError> {
        parse(text).ok_or_else(|| TileError::Path(text.chars().take(120).collect()))
    }
}

fn parse(text: &str) -> Option<TilePath> {
    let (kind, rest) = text.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => TileKind::Entries,
        level => TileKind::Hashes(decimal(level).filter(|level| *level <= u64::from(MAX_LEVEL))?.try_into().ok()?),
    };
    let (index, width) = match rest.split_once(".p/") {
        None => (rest, TILE_WIDTH),
        Some((index, width)) => (index, decimal(width).filter(|width| (1..TILE_WIDTH).contains(width))?),
    };
    let path = TilePath { kind, index: ungrouped(index)?, width: width.try_into().ok()? };
    // One spelling only: groups that are not needed are refused.
    (path.to_string() == text).then_some(path)
}

/// A number in path elements of three digits: 1234067 is `x001/x234/067`.
pub(crate) fn grouped(mut number: u64) -> String {
    let mut path = format!("{:03}", number % 1000);
    number /= 1000;
    while number > 0 {
        path = format!("x{:03}/{path}", number % 1000);
        number /= 1000;
    }
    path
}

fn ungrouped(path: &str) -> Option<u64> {
    let (high, last) = path.rsplit_once('/').map_or(("", path), |(high, last)| (high, last));
    let groups = high.split('/').filter(|group| !group.is_empty()).map(|group| group.strip_prefix('x'));
    groups.chain([Some(last)]).try_fold(0_u64, |sum, group| {
        let group = group.filter(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()))?;
        sum.checked_mul(1000)?.checked_add(group.parse().ok()?)
    })
}

/// The bytes of a tile: its hashes, one after the other.
pub fn encode_hashes(hashes: &[Sha256]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(hashes.len() * 32);
    hashes.iter().for_each(|hash| bytes.extend_from_slice(hash.as_bytes()));
    bytes
}

/// The hashes of a tile.
///
/// # Errors
/// When the bytes are not exactly `width` hashes.
pub fn decode_hashes(bytes: &[u8], width: u16) -> Result<Vec<Sha256>, TileError> {
    let wanted = usize::from(width) * 32;
    let (hashes, rest) = bytes.as_chunks::<32>();
    if bytes.len() != wanted || !rest.is_empty() {
        return Err(TileError::Size { wanted, found: bytes.len() });
    }
    Ok(hashes.iter().copied().map(Sha256::from_bytes).collect())
}

/// Adds one entry to a bundle: its length as 16 bits, big-endian, then its bytes.
///
/// # Errors
/// When the entry is longer than 65,535 bytes.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), TileError> {
    let too_long = |_| TileError::Bundle { offset: bundle.len(), what: "an entry is longer than 65,535 bytes" };
    let length = u16::try_from(entry.len()).map_err(too_long)?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle. Never panics, whatever the bytes.
///
/// # Errors
/// When the bytes are not exactly `width` entries.
pub fn decode_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bytes;
    while entries.len() < usize::from(width) {
        let wrong = |what| TileError::Bundle { offset: bytes.len() - rest.len(), what };
        let (length, after) = rest.split_first_chunk::<2>().ok_or(wrong("an entry is missing"))?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or(wrong("an entry is cut short"))?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() {
        Ok(entries)
    } else {
        Err(TileError::Bundle { offset: bytes.len() - rest.len(), what: "bytes follow the last entry" })
    }
}
