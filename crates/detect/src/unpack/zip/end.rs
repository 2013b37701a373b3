//! The end of a zip: the end-of-directory record, found by its place, and the zip64 records before it.

use std::ops::Range;

use super::super::collect::Collector;
use super::super::fault::Fault;
use crate::read::Window;
use crate::structure::Flaw;

const END: &[u8; 4] = b"PK\x05\x06";
const END64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR: &[u8; 4] = b"PK\x06\x07";
const END_LEN: usize = 22;
const LOCATOR_LEN: u64 = 20;
const END64_LEN: u64 = 56;

/// Where the central directory is and how many members it lists.
pub(super) struct End {
    pub(super) directory: Range<u64>,
    pub(super) entries: u64,
    /// What must be added to every offset: not 0 only when something stands before the archive.
    pub(super) shift: u64,
}

/// Finds the end record and everything that contradicts it.
pub(super) fn find(window: &mut Window<'_>, out: &mut Collector<'_>) -> Result<End, Fault> {
    let len = window.len();
    let tail_len = len.min((END_LEN + 0xffff) as u64);
    let tail_start = len - tail_len;
    let tail = window.vec(tail_start, usize::try_from(tail_len).unwrap_or(0))?;
    let at = place(&tail, out).ok_or_else(|| {
        Fault::Flaw(Flaw::Unreadable, "there is no end-of-directory record, so it is no zip".to_owned())
    })?;
    let record = &tail[at..at + END_LEN];
    let position = tail_start + at as u64;

    let (disk, directory_disk) = (u16_at(record, 4), u16_at(record, 6));
    let (here, total) = (u16_at(record, 8), u16_at(record, 10));
    let (size, offset) = (u32_at(record, 12), u32_at(record, 16));
    let small = Numbers {
        disks: u32::from(disk) | u32::from(directory_disk) << 16,
        here: u64::from(here),
        entries: u64::from(total),
        size: u64::from(size),
        offset: u64::from(offset),
    };
    let (numbers, directory_end) = match large(window, position)? {
        Some((large, start)) => {
            // A reader takes the large numbers always (Python) or only where the small ones are all ones.
            let agree = |small: u64, all_ones: u64, large: u64| small == all_ones || small == large;
            if !(agree(small.here, 0xffff, large.here)
                && agree(small.entries, 0xffff, large.entries)
                && agree(small.size, 0xffff_ffff, large.size)
                && agree(small.offset, 0xffff_ffff, large.offset))
            {
                out.flaw(Flaw::ViewsDiffer, None, "the zip64 end record and the end record state different numbers");
            }
            (large, start)
        }
        None => (small, position),
    };
    if (numbers.disks != 0 && numbers.disks != u32::MAX) || numbers.here != numbers.entries {
        out.flaw(Flaw::MultiDisk, None, "the end record names more than one disk");
    }
    let Some(start) = directory_end.checked_sub(numbers.size) else {
        return Err(Fault::truncated("the central directory is larger than the file"));
    };
    // Readers that allow a prefix (Python, self-extracting archives) measure from the end record backwards.
    let Some(shift) = start.checked_sub(numbers.offset) else {
        return Err(Fault::Flaw(Flaw::Overlap, "the central directory reaches into the end record".to_owned()));
    };
    if shift != 0 {
        out.flaw(
            Flaw::LeadingData,
            None,
            format!(
                "the directory is {shift} bytes behind its stated place: something stands before or in the archive"
            ),
        );
    }
    Ok(End { directory: start..directory_end, entries: numbers.entries, shift })
}

/// The offset of the end record in the tail of the file.
fn place(tail: &[u8], out: &mut Collector<'_>) -> Option<usize> {
    let last = tail.len().checked_sub(END_LEN)?;
    let fits = |at: usize| at + END_LEN + usize::from(u16_at(tail, at + 20)) == tail.len();
    // A record far from the end is one only if its comment reaches the end exactly and its directory lies before it.
    let marks = || (0..=last).rev().filter(|&at| tail[at..].starts_with(END));
    let chosen = marks().find(|&at| fits(at));
    if let Some(chosen) = chosen {
        if marks().any(|at| at > chosen) {
            out.flaw(Flaw::AmbiguousEnd, None, "the archive comment holds the mark of another end record");
        }
        if marks().any(|at| at < chosen && fits(at)) {
            out.flaw(Flaw::AmbiguousEnd, None, "two end records both reach the end of the file");
        }
        return Some(chosen);
    }
    let chosen = marks().next()?;
    out.flaw(Flaw::TrailingData, None, "the last end record does not reach the end of the file");
    Some(chosen)
}

struct Numbers {
    disks: u32,
    here: u64,
    entries: u64,
    size: u64,
    offset: u64,
}

/// The zip64 end record and where it starts, when its locator stands right before the end record.
fn large(window: &mut Window<'_>, end: u64) -> Result<Option<(Numbers, u64)>, Fault> {
    let Some(locator_at) = end.checked_sub(LOCATOR_LEN) else { return Ok(None) };
    let locator = window.vec(locator_at, LOCATOR_LEN as usize)?;
    if !locator.starts_with(LOCATOR) {
        return Ok(None);
    }
    let record_at = u64_at(&locator, 8);
    // Version 1 records only, right before the locator: with room between them, readers find different ones.
    if record_at.checked_add(END64_LEN) != Some(locator_at) {
        return Err(Fault::Flaw(Flaw::ViewsDiffer, "the zip64 end record is not where readers look for it".to_owned()));
    }
    let record = window.vec(record_at, END64_LEN as usize)?;
    if !record.starts_with(END64) || u64_at(&record, 4) != END64_LEN - 12 {
        return Err(Fault::Flaw(Flaw::ViewsDiffer, "the zip64 locator points to something else".to_owned()));
    }
    let numbers = Numbers {
        disks: u32_at(&record, 16) | u32_at(&record, 20) | u32_at(&locator, 4) | u32_at(&locator, 16).saturating_sub(1),
        here: u64_at(&record, 24),
        entries: u64_at(&record, 32),
        size: u64_at(&record, 40),
        offset: u64_at(&record, 48),
    };
    Ok(Some((numbers, record_at)))
}

/// A little-endian number; the caller has made sure that it is there, and a missing one reads as 0.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}
