//! Segment files: the source of truth. Batches of entries as frames, appended and then made durable together.
//!
//! One frame is what one fdatasync covered, so a frame is acknowledged as a whole or not at all:
//!
//! ```text
//! magic     4 bytes   ff 42 48 46
//! first     8 bytes   index of the first entry, big-endian
//! count     4 bytes   number of entries, big-endian
//! length    4 bytes   length of the payload, big-endian
//! checksum 16 bytes   first half of SHA-256 over first, count, length and payload
//! payload             the entries as in a C2SP entry bundle: 16-bit big-endian length, bytes
//! ```
//!
//! The next frame is written only after the one before is durable. So a broken frame at the very end was never
//! acknowledged (a torn tail), and a broken frame with another one behind it was (a hole). The magic starts with 0xff,
//! which no entry contains and no length can spell together with what follows it: a magic is a frame.

use std::ops::Range;

use crate::error::LedgerError;
use crate::hash::sha256;
use crate::tile;

#[cfg(test)]
mod tests;

/// Entries in one segment file: small enough to read whole at start, a multiple of a bundle.
pub(crate) const SEGMENT_ENTRIES: u64 = 4096;

const MAGIC: [u8; 4] = [0xff, b'B', b'H', b'F'];
const CHECKSUM: usize = 16;
const HEADER: usize = MAGIC.len() + 8 + 4 + 4 + CHECKSUM;

/// The file that holds the entry with this index.
pub(crate) fn path_of(index: u64) -> String {
    path_of_segment(index / SEGMENT_ENTRIES)
}

pub(crate) fn path_of_segment(number: u64) -> String {
    format!("segment/{}", tile::grouped(number))
}

/// One frame for these entries, the first of which has the index `first`.
pub(crate) fn encode_frame(first: u64, entries: &[Vec<u8>]) -> Result<Vec<u8>, LedgerError> {
    let malformed = |what: String| LedgerError::corrupt(&path_of(first), 0, what);
    let mut payload = Vec::with_capacity(entries.iter().map(|entry| entry.len() + 2).sum());
    for entry in entries {
        tile::push_entry(&mut payload, entry).map_err(|error| malformed(error.to_string()))?;
    }
    let too_long = |_| malformed("a batch is longer than a frame can be".to_owned());
    let count = u32::try_from(entries.len()).map_err(too_long)?.to_be_bytes();
    let length = u32::try_from(payload.len()).map_err(too_long)?.to_be_bytes();
    let first = first.to_be_bytes();
    let checksum = checksum(&[&first, &count, &length, &payload]);
    Ok([&MAGIC[..], &first, &count, &length, &checksum, &payload].concat())
}

fn checksum(parts: &[&[u8]]) -> [u8; CHECKSUM] {
    let mut half = [0; CHECKSUM];
    half.copy_from_slice(&sha256(parts).as_bytes()[..CHECKSUM]);
    half
}

/// A segment file taken apart.
#[derive(Debug)]
pub(crate) struct Segment {
    /// The index of its first entry.
    first: u64,
    bytes: Vec<u8>,
    entries: Vec<Range<usize>>,
    /// Where the whole frames end: everything after is a torn tail.
    whole: usize,
}

impl Segment {
    /// Takes the bytes of segment `number` apart. What follows the last whole frame is a torn tail, unless another
    /// frame follows it.
    ///
    /// # Errors
    /// When an acknowledged frame is damaged or missing. Never panics, whatever the bytes.
    pub(crate) fn parse(number: u64, bytes: Vec<u8>) -> Result<Self, LedgerError> {
        let path = path_of_segment(number);
        let first = number * SEGMENT_ENTRIES;
        let mut segment = Self { first, bytes, entries: Vec::new(), whole: 0 };
        while segment.whole < segment.bytes.len() {
            let at = segment.whole;
            let Some(frame) = Frame::parse(&segment.bytes[at..]) else {
                let behind = &segment.bytes[at + 1..];
                if behind.windows(MAGIC.len()).any(|window| window == MAGIC) {
                    return Err(LedgerError::corrupt(&path, at, "a frame is broken and another one follows it"));
                }
                break;
            };
            let expected = segment.end();
            if frame.first != expected {
                let what = format!("the frame starts at entry {}, entry {expected} was expected", frame.first);
                return Err(LedgerError::corrupt(&path, at, what));
            }
            let payload = at + HEADER;
            segment.entries.extend(frame.entries.iter().map(|entry| payload + entry.start..payload + entry.end));
            segment.whole = at + frame.length;
            if segment.entries.len() as u64 > SEGMENT_ENTRIES {
                return Err(LedgerError::corrupt(&path, at, "the segment has more entries than fit in one"));
            }
        }
        Ok(segment)
    }

    /// The index after its last entry.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() as u64 == SEGMENT_ENTRIES
    }

    /// The bytes of the whole frames.
    pub(crate) fn whole(&self) -> &[u8] {
        &self.bytes[..self.whole]
    }

    /// How many bytes follow the last whole frame.
    pub(crate) fn torn(&self) -> usize {
        self.bytes.len() - self.whole
    }

    /// The entry with that index, when it is in this segment.
    pub(crate) fn entry(&self, index: u64) -> Option<&[u8]> {
        let place = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.entries.get(place).map(|range| &self.bytes[range.clone()])
    }
}

struct Frame {
    first: u64,
    /// Of the whole frame, in bytes.
    length: usize,
    /// Ranges within the payload.
    entries: Vec<Range<usize>>,
}

impl Frame {
    /// The frame at the beginning of the bytes, when it is whole.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<CHECKSUM>()?;
        let payload = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        if checksum(&[first, count, length, payload]) != *sum {
            return None;
        }
        let count = u32::from_be_bytes(*count);
        let mut entries = Vec::new();
        let mut at = 0;
        while at < payload.len() {
            let (length, _) = payload[at..].split_first_chunk::<2>()?;
            let start = at + 2;
            at = start + usize::from(u16::from_be_bytes(*length));
            if at > payload.len() {
                return None;
            }
            entries.push(start..at);
        }
        let counted = u32::try_from(entries.len()).ok() == Some(count) && count > 0;
        counted.then_some(Self { first: u64::from_be_bytes(*first), length: HEADER + payload.len(), entries })
    }
}
