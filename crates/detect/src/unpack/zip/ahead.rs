//! A first walk over a zip that is still arriving, from local header to local header.
//!
//! The directory stands at the end, so nothing can be judged before the last byte. What takes most of the time is reading code,
//! and that needs a member's bytes only: it is done here, and kept by path and digest. The strict reader then unpacks every member
//! as if nothing had been, and takes what was read for content that is the same. What this walk gets wrong costs time, never
//! a verdict: whatever it does not understand ends it.

use super::super::collect::Collector;
use super::super::inflate::Inflater;
use super::end::{u16_at, u32_at};
use super::{DEFLATED, STORED};
use crate::read::Window;
use crate::unpack::path;

const MARK: &[u8; 4] = b"PK\x03\x04";
const FIXED: u64 = 30;
/// Encrypted, or sizes only behind the data, where a member's end is not known before it was unpacked.
const UNKNOWN: u16 = 1 | 8;

/// Reads what it can of the members as they come.
pub(super) fn read(window: &mut Window<'_>, out: &mut Collector<'_>) {
    let mut inflater = Inflater::new();
    // Each member alone is held to the limits by its intake; this is for all of them together.
    let mut left =
        out.limits.total_bytes.min(window.len().saturating_mul(out.limits.ratio).max(out.limits.ratio_floor));
    let mut at = 0;
    for _member in 0..out.limits.members {
        match member(window, &mut inflater, at, &mut left, out) {
            Some(next) => at = next,
            None => return,
        }
    }
}

/// Reads the member whose header is there; returns where the next one should be.
fn member(
    window: &mut Window<'_>,
    inflater: &mut Inflater,
    at: u64,
    left: &mut u64,
    out: &mut Collector<'_>,
) -> Option<u64> {
    let mut header = [0; FIXED as usize];
    window.exact(at, &mut header).ok()?;
    let (flags, method) = (u16_at(&header, 6), u16_at(&header, 8));
    let (packed, size) = (u32_at(&header, 18), u32_at(&header, 22));
    if !header.starts_with(MARK) || flags & UNKNOWN != 0 || packed == u32::MAX || size == u32::MAX {
        return None;
    }
    let name_len = u16_at(&header, 26);
    let name = window.vec(at + FIXED, usize::from(name_len)).ok()?;
    let data = at + FIXED + u64::from(name_len) + u64::from(u16_at(&header, 28));
    let end = data + u64::from(packed);
    let (shown, _) = path::judge(&name);
    if !matches!(method, STORED | DEFLATED) || !out.wants_early(&shown) {
        return Some(end);
    }
    *left = left.checked_sub(size.into())?;
    let mut intake = out.begin(&shown, Some(size.into()));
    let mut from = data;
    inflater.reset();
    while from < end {
        let have = window.at(from).ok()?;
        let input = &have[..have.len().min(usize::try_from(end - from).unwrap_or(usize::MAX))];
        if input.is_empty() {
            return None;
        }
        if method == STORED {
            intake.take(input).ok()?;
            from += input.len() as u64;
            continue;
        }
        let step = inflater.step(input).ok()?;
        intake.take(step.produced).ok()?;
        from += step.consumed as u64;
        if step.ended {
            break;
        }
        if step.consumed == 0 && step.produced.is_empty() {
            return None;
        }
    }
    out.early(shown, intake);
    Some(end)
}
