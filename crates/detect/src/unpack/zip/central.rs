//! The central directory.

use super::super::collect::Collector;
use super::super::fault::Fault;
use super::end::{End, u16_at, u32_at};
use super::extra;
use crate::read::Window;
use crate::structure::Flaw;
use crate::text;

const MARK: &[u8; 4] = b"PK\x01\x02";
const FIXED: usize = 46;

/// General purpose flags that decide how a member is read. The others are hints of the compressor.
pub(super) const FLAGS: u16 = 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 11 | 1 << 13;
const DESCRIPTOR: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;
/// Encrypted, patched, strongly encrypted, masked headers.
const ENCRYPTED: u16 = 1 | 1 << 5 | 1 << 6 | 1 << 13;

/// One entry of the directory.
pub(super) struct Central {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
    mode: u32,
}

impl Central {
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & DESCRIPTOR != 0
    }

    pub(super) fn is_utf8(&self) -> bool {
        self.flags & UTF8 != 0
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0
    }

    pub(super) fn is_symlink(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }

    /// A file type other than none, regular, directory or link.
    pub(super) fn is_special(&self) -> bool {
        !matches!(self.mode & 0o170_000, 0 | 0o100_000 | 0o040_000 | 0o120_000)
    }
}

/// Every entry; the directory must hold exactly as many as the end record says, and nothing else.
pub(super) fn read(window: &mut Window<'_>, end: &End, out: &mut Collector<'_>) -> Result<Vec<Central>, Fault> {
    let len = end.directory.end - end.directory.start;
    if len > out.limits.directory_bytes {
        return Err(Fault::Bomb(format!("the central directory is larger than {} bytes", out.limits.directory_bytes)));
    }
    let bytes = window.vec(end.directory.start, usize::try_from(len).unwrap_or(0))?;
    let mut rest = bytes.as_slice();
    let mut entries = Vec::new();
    while !rest.is_empty() && rest.starts_with(MARK) {
        if entries.len() as u64 >= u64::from(out.limits.members) {
            return Err(Fault::Bomb(format!("the archive has more than {} members", out.limits.members)));
        }
        let (entry, used) = entry(rest, end, out)?;
        entries.push(entry);
        rest = &rest[used..];
    }
    if !rest.is_empty() {
        out.flaw(Flaw::HiddenData, None, format!("{} bytes after the last entry of the central directory", rest.len()));
    }
    if entries.len() as u64 != end.entries {
        let stated = end.entries;
        out.flaw(
            Flaw::ViewsDiffer,
            None,
            format!("the directory holds {} entries, and the end record says {stated}", entries.len()),
        );
    }
    Ok(entries)
}

fn entry(bytes: &[u8], end: &End, out: &mut Collector<'_>) -> Result<(Central, usize), Fault> {
    let cut = || Fault::truncated("the central directory ends in the middle of an entry");
    let header = bytes.get(..FIXED).ok_or_else(cut)?;
    let (name_len, extra_len) = (usize::from(u16_at(header, 28)), usize::from(u16_at(header, 30)));
    let used = FIXED + name_len + extra_len + usize::from(u16_at(header, 32));
    let name = bytes.get(FIXED..FIXED + name_len).ok_or_else(cut)?;
    let extra = bytes.get(FIXED + name_len..FIXED + name_len + extra_len).ok_or_else(cut)?;
    bytes.get(..used).ok_or_else(cut)?;

    let extra = extra::parse(extra);
    let shown = || text::escape(name);
    if let Some(what) = extra.flaw {
        out.flaw(Flaw::Corrupt, Some(&shown()), format!("in the directory, {what}"));
    }
    if extra.unicode_path.is_some_and(|unicode| unicode != name) {
        out.flaw(Flaw::ViewsDiffer, Some(&shown()), "the Unicode path field names another path");
    }
    if !matches!(u16_at(header, 34), 0 | 0xffff) {
        out.flaw(Flaw::MultiDisk, Some(&shown()), "the member is on another disk");
    }
    let (packed, size) = extra::sizes(header, 20);
    let (size, packed, offset) =
        extra::large(extra.zip64, size, packed, Some(u32_at(header, 42))).ok_or_else(|| {
            Fault::Flaw(Flaw::ViewsDiffer, format!("the zip64 field of `{}` does not fit the sizes beside it", shown()))
        })?;
    let offset = offset
        .checked_add(end.shift)
        .filter(|&offset| offset < end.directory.start)
        .ok_or_else(|| Fault::Flaw(Flaw::Overlap, format!("`{}` lies behind the directory", shown())))?;
    let entry = Central {
        name: name.to_vec(),
        flags: u16_at(header, 8),
        method: u16_at(header, 10),
        crc: u32_at(header, 16),
        packed,
        size,
        offset,
        mode: u32_at(header, 38) >> 16,
    };
    Ok((entry, used))
}
