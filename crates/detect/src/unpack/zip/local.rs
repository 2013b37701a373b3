//! Local headers and data descriptors, held against the directory.

use std::ops::Range;

use super::super::collect::Collector;
use super::super::fault::Fault;
use super::central::{Central, FLAGS};
use super::end::{u16_at, u32_at, u64_at};
use super::{STORED, extra};
use crate::read::Window;
use crate::structure::Flaw;

const MARK: &[u8; 4] = b"PK\x03\x04";
const DESCRIPTOR_MARK: u32 = 0x0807_4b50;
const FIXED: u64 = 30;

/// Reads the local header; returns where the member's data is, by the directory's size. `None` when the header does not
/// fit before `limit`.
pub(super) fn read(
    window: &mut Window<'_>,
    entry: &Central,
    limit: u64,
    shown: &str,
    out: &mut Collector<'_>,
) -> Result<Option<Range<u64>>, Fault> {
    if limit.saturating_sub(entry.offset) < FIXED {
        return Ok(None);
    }
    let mut header = [0; FIXED as usize];
    window.exact(entry.offset, &mut header)?;
    if !header.starts_with(MARK) {
        return Err(Fault::Flaw(
            Flaw::ViewsDiffer,
            format!("there is no local header where the directory puts `{shown}`"),
        ));
    }
    let (name_len, extra_len) = (u16_at(&header, 26), u16_at(&header, 28));
    let start = entry.offset + FIXED + u64::from(name_len) + u64::from(extra_len);
    if start > limit {
        return Ok(None);
    }
    let name = window.vec(entry.offset + FIXED, usize::from(name_len))?;
    let fields = window.vec(entry.offset + FIXED + u64::from(name_len), usize::from(extra_len))?;
    let fields = extra::parse(&fields);
    let mut differ =
        |what: &str| out.flaw(Flaw::ViewsDiffer, Some(shown), format!("local header and directory differ in {what}"));

    if name != entry.name {
        differ("the name");
    }
    if fields.unicode_path.is_some_and(|unicode| unicode != entry.name) {
        differ("the Unicode path");
    }
    if u16_at(&header, 6) & FLAGS != entry.flags & FLAGS {
        differ("the flags");
    }
    if u16_at(&header, 8) != entry.method {
        differ("the method");
    }
    let (packed, size) = extra::sizes(&header, 18);
    let crc = u32_at(&header, 14);
    match extra::large(fields.zip64, size, packed, None) {
        None => differ("the zip64 sizes"),
        // With a descriptor, a header that was written before the data holds zeros.
        Some((0, 0, _)) if entry.has_descriptor() && crc == 0 => {}
        Some((size, packed, _)) => {
            if size != entry.size || packed != entry.packed {
                differ("the sizes");
            }
            if crc != entry.crc {
                differ("the CRC-32");
            }
        }
    }
    if let Some(what) = fields.flaw {
        out.flaw(Flaw::Corrupt, Some(shown), format!("in the local header, {what}"));
    }
    if entry.has_descriptor() && entry.method == STORED && entry.size > 0 && size == 0 {
        let what = "the size of a stored member is known only behind it, so a streaming reader cannot find its end";
        out.flaw(Flaw::ViewsDiffer, Some(shown), what);
    }
    Ok(start.checked_add(entry.packed).map(|end| start..end))
}

/// Reads the data descriptor, if the flags promise one; returns where the next header must be.
pub(super) fn descriptor(
    window: &mut Window<'_>,
    entry: &Central,
    at: u64,
    limit: u64,
    out: &mut Collector<'_>,
) -> Result<u64, Fault> {
    if !entry.has_descriptor() {
        return Ok(at);
    }
    // With or without its mark, with sizes of 32 or 64 bits: the form that fits the directory is the right one.
    let room = usize::try_from((limit - at).min(24)).unwrap_or(0);
    let bytes = window.vec(at, room)?;
    for (mark, wide) in [(true, false), (true, true), (false, false), (false, true)] {
        let len = if mark { 4 } else { 0 } + if wide { 20 } else { 12 };
        if bytes.len() < len || (mark && u32_at(&bytes, 0) != DESCRIPTOR_MARK) {
            continue;
        }
        let body = &bytes[if mark { 4 } else { 0 }..len];
        let (packed, size) = if wide {
            (u64_at(body, 4), u64_at(body, 12))
        } else {
            (u64::from(u32_at(body, 4)), u64::from(u32_at(body, 8)))
        };
        if (u32_at(body, 0), packed, size) == (entry.crc, entry.packed, entry.size) {
            return Ok(at + len as u64);
        }
    }
    let name = crate::text::escape(&entry.name);
    out.flaw(Flaw::ViewsDiffer, Some(&name), "the data descriptor is missing or differs from the directory");
    Ok(at)
}
