//! A strict zip reader (APPNOTE 6.3): the directory and the local headers must tell the same story, and together with the
//! data they must account for every byte of the file.
//!
//! Why so strict: pip reads the central directory, uv reads local headers as they stream by, and scanners do a bit of
//! both. Whatever those could disagree on is a flaw here. The end record is found by its place, never by counting marks.

mod ahead;
mod central;
mod end;
mod extra;
mod local;

use std::ops::Range;

use self::central::Central;
use super::collect::Collector;
use super::fault::Fault;
use super::inflate::Inflater;
use super::path;
use crate::archive::EntryKind;
use crate::read::Window;
use crate::structure::Flaw;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Reads all of it into the collector.
pub(crate) fn read(mut window: Window<'_>, out: &mut Collector<'_>) {
    if window.is_arriving() {
        ahead::read(&mut window, out);
    }
    if let Err(fault) = read_all(&mut window, out) {
        out.fault(&fault, None, "the zip could not be read");
    }
}

fn read_all(window: &mut Window<'_>, out: &mut Collector<'_>) -> Result<(), Fault> {
    let end = end::find(window, out)?;
    let directory = central::read(window, &end, out)?;
    let mut order: Vec<&Central> = directory.iter().collect();
    order.sort_by_key(|entry| entry.offset);

    let mut inflater = Inflater::new();
    let mut expected = 0;
    for (index, entry) in order.iter().enumerate() {
        let limit = order.get(index + 1).map_or(end.directory.start, |next| next.offset);
        if entry.offset != expected {
            gap(window, out, expected..entry.offset, index == 0)?;
        }
        let shown = names(entry, out);
        // Shared bytes would make the work quadratic: such a member is not unpacked.
        expected = match local::read(window, entry, limit, &shown, out)? {
            Some(data) if data.end <= limit => {
                member(window, &mut inflater, entry, data.clone(), shown, out)?;
                local::descriptor(window, entry, data.end, limit, out)?
            }
            _ => {
                out.readable = false;
                out.flaw(Flaw::Overlap, Some(&shown), "the member shares bytes with what comes next");
                limit
            }
        };
    }
    if expected != end.directory.start {
        gap(window, out, expected..end.directory.start, order.is_empty())?;
    }
    Ok(())
}

fn gap(window: &mut Window<'_>, out: &mut Collector<'_>, gap: Range<u64>, leading: bool) -> Result<(), Fault> {
    if gap.is_empty() {
        return Ok(());
    }
    let zero = if window.all_zero(gap.start, gap.end)? { "zero bytes" } else { "bytes" };
    let count = gap.end - gap.start;
    if leading {
        out.flaw(Flaw::LeadingData, None, format!("{count} {zero} stand before the first member"));
    } else {
        out.flaw(Flaw::HiddenData, None, format!("{count} {zero} at offset {} belong to no member", gap.start));
    }
    Ok(())
}

/// The path to show; what is wrong with it is reported.
fn names(entry: &Central, out: &mut Collector<'_>) -> String {
    let (shown, flaws) = path::judge(&entry.name);
    for (flaw, what) in flaws {
        out.flaw(flaw, Some(&shown), what);
    }
    if !entry.name.is_ascii() && !entry.is_utf8() {
        out.flaw(Flaw::PathOdd, Some(&shown), "the path is not ASCII and is not marked as UTF-8, so readers guess");
    }
    shown
}

fn member(
    window: &mut Window<'_>,
    inflater: &mut Inflater,
    entry: &Central,
    data: Range<u64>,
    shown: String,
    out: &mut Collector<'_>,
) -> Result<(), Fault> {
    if entry.is_encrypted() {
        out.readable = false;
        out.flaw(Flaw::Encrypted, Some(&shown), "the member is encrypted");
        return out.add(shown, EntryKind::Special);
    }
    if !matches!(entry.method, STORED | DEFLATED) {
        out.readable = false;
        out.flaw(Flaw::Method, Some(&shown), format!("the member is packed by method {}", entry.method));
        return out.add(shown, EntryKind::Special);
    }
    if entry.name.ends_with(b"/") {
        if entry.size != 0 || entry.packed > 2 {
            out.flaw(Flaw::HiddenData, Some(&shown), "the directory has content");
        }
        return out.add(shown, EntryKind::Directory);
    }
    let mut intake = out.begin(&shown, Some(entry.size));
    let done = unpack(window, inflater, entry, data, &mut intake);
    let whole = match done {
        Ok(rest) => {
            if rest > 0 {
                out.flaw(
                    Flaw::HiddenData,
                    Some(&shown),
                    format!("{rest} bytes follow the end of the compressed stream"),
                );
            }
            check(entry, intake.size(), intake.crc())
        }
        Err(bomb @ Fault::Bomb(_)) => return Err(bomb),
        Err(fault) => Err(fault),
    };
    if let Err(fault) = &whole {
        out.fault(fault, Some(&shown), "the member could not be read");
    }
    // pip's zip reader writes a link as a file that holds its target; other readers make the link.
    if entry.is_symlink() {
        out.flaw(
            Flaw::ViewsDiffer,
            Some(&shown),
            "the member is a symbolic link, which some readers make and others write as a file",
        );
    } else if entry.is_special() {
        out.flaw(Flaw::SpecialFile, Some(&shown), "the member's mode is that of a device or pipe");
    }
    out.end(shown, intake, whole.is_ok())
}

fn check(entry: &Central, size: u64, crc: u32) -> Result<(), Fault> {
    if size != entry.size {
        return Err(Fault::truncated(format!("it unpacks to {size} bytes, and {} are declared", entry.size)));
    }
    if crc != entry.crc {
        return Err(Fault::Flaw(Flaw::Checksum, "the CRC-32 is wrong".to_owned()));
    }
    Ok(())
}

/// Unpacks a member; returns the bytes of `data` that were left over.
fn unpack(
    window: &mut Window<'_>,
    inflater: &mut Inflater,
    entry: &Central,
    data: Range<u64>,
    intake: &mut super::collect::Intake,
) -> Result<u64, Fault> {
    let mut at = data.start;
    inflater.reset();
    loop {
        let left = data.end - at;
        let input = match left {
            0 => &[],
            _ => window.at(at)?,
        };
        let input = &input[..input.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        if entry.method == STORED {
            if left == 0 {
                return Ok(0);
            }
            intake.take(input)?;
            at += input.len() as u64;
            continue;
        }
        let step = inflater.step(input)?;
        at += step.consumed as u64;
        intake.take(step.produced)?;
        if step.ended {
            return Ok(data.end - at);
        }
        if step.consumed == 0 && step.produced.is_empty() {
            return Err(Fault::truncated("the compressed stream ends too early"));
        }
    }
}
