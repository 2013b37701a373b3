//! The records in a zip, such as the exports that OSV publishes: up to hundreds of thousands of small members, so with
//! ZIP64. The operator chose the file, so it is read here and not in the worker; its lengths are still not believed.
//! (PKWARE APPNOTE 6.3.10.)

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::os::unix::fs::FileExt as _;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::document::{Document, Each, LONGEST_RECORD, holds_records, read_limited, split};
use crate::store::FeedRefused;

const LONGEST_DIRECTORY: u64 = 512 << 20;
const END: usize = 22;
const LOCATOR: usize = 20;
const LONGEST_COMMENT: u64 = 65_535;

/// The records in the members, in the order of the central directory.
pub(super) struct Members {
    file: File,
    directory: Cursor<Vec<u8>>,
    left: u64,
    open: Option<Each>,
}

struct Member {
    name: String,
    method: u16,
    crc: u32,
    packed: u64,
    plain: u64,
    offset: u64,
}

impl Members {
    pub(super) fn open(file: File) -> Result<Self, String> {
        let (count, size, offset) = find_directory(&file)?;
        if size > LONGEST_DIRECTORY {
            return Err(format!("its directory is {size} bytes long"));
        }
        let directory =
            read_at(&file, offset, size).map_err(|error| format!("its directory cannot be read: {error}"))?;
        Ok(Self { file, directory: Cursor::new(directory), left: count, open: None })
    }

    fn enter(&mut self) -> Result<(), String> {
        let member = next_member(&mut self.directory)?;
        if member.name.ends_with('/') || !holds_records(&member.name) {
            return Ok(());
        }
        let text = unpack(&self.file, &member).map_err(|why| format!("{}: {why}", member.name))?;
        self.open = Some(split(&member.name, Cursor::new(text)).map_err(|refused| refused.0)?);
        Ok(())
    }
}

impl Iterator for Members {
    type Item = Result<Document, FeedRefused>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(document) = self.open.as_mut().and_then(Iterator::next) {
                return Some(document);
            }
            self.open = None;
            self.left = self.left.checked_sub(1)?;
            if let Err(why) = self.enter() {
                return Some(Err(FeedRefused(why)));
            }
        }
    }
}

/// Number of members, length and place of the central directory.
fn find_directory(file: &File) -> Result<(u64, u64, u64), String> {
    let none = || "it is not a zip, or it is cut off".to_owned();
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    let start = size.saturating_sub(LONGEST_COMMENT + (END + LOCATOR) as u64);
    let tail = read_at(file, start, size - start).map_err(|error| error.to_string())?;
    // The comment reaches exactly to the end; a chance signature elsewhere does not fit.
    let fits =
        |at: &usize| tail[*at..].starts_with(b"PK\x05\x06") && le16(&tail, at + 20) as usize == tail.len() - at - END;
    let at = (0..=tail.len().checked_sub(END).ok_or_else(none)?).rev().find(fits).ok_or_else(none)?;
    let small = (u64::from(le16(&tail, at + 10)), u64::from(le32(&tail, at + 12)), u64::from(le32(&tail, at + 16)));
    let locator = at.checked_sub(LOCATOR).filter(|at| tail[*at..].starts_with(b"PK\x06\x07"));
    let Some(locator) = locator else { return Ok(small) };
    let large = read_at(file, le64(&tail, locator + 8), 56).map_err(|error| error.to_string())?;
    if !large.starts_with(b"PK\x06\x06") {
        return Err(none());
    }
    Ok((le64(&large, 32), le64(&large, 40), le64(&large, 48)))
}

fn next_member(directory: &mut Cursor<Vec<u8>>) -> Result<Member, String> {
    let cut = |_| "its directory is cut off".to_owned();
    let mut header = [0; 46];
    directory.read_exact(&mut header).map_err(cut)?;
    if !header.starts_with(b"PK\x01\x02") {
        return Err("its directory is not one".to_owned());
    }
    let mut name = vec![0; le16(&header, 28).into()];
    let mut extra = vec![0; le16(&header, 30).into()];
    let mut comment = vec![0; le16(&header, 32).into()];
    for part in [&mut name, &mut extra, &mut comment] {
        directory.read_exact(part).map_err(cut)?;
    }
    let name = String::from_utf8(name).map_err(|_| "it has a member whose name is not UTF-8".to_owned())?;
    if le16(&header, 8) & 1 == 1 {
        return Err(format!("{name}: it is encrypted"));
    }
    let mut member = Member {
        method: le16(&header, 10),
        crc: le32(&header, 16),
        packed: le32(&header, 20).into(),
        plain: le32(&header, 24).into(),
        offset: le32(&header, 42).into(),
        name,
    };
    widen(&mut member, &extra)?;
    Ok(member)
}

/// ZIP64 (APPNOTE 4.5.3): the extra field holds, in this order, those lengths that did not fit.
fn widen(member: &mut Member, extra: &[u8]) -> Result<(), String> {
    let mut wanted: Vec<&mut u64> = [&mut member.plain, &mut member.packed, &mut member.offset].into_iter().collect();
    wanted.retain(|value| **value == u64::from(u32::MAX));
    if wanted.is_empty() {
        return Ok(());
    }
    let mut rest = extra;
    while rest.len() >= 4 {
        let (tag, length) = (le16(rest, 0), usize::from(le16(rest, 2)));
        let field = rest.get(4..4 + length).ok_or("an extra field is cut off")?;
        if tag == 1 && field.len() >= wanted.len() * 8 {
            wanted.into_iter().zip(field.chunks_exact(8)).for_each(|(value, bytes)| *value = le64(bytes, 0));
            return Ok(());
        }
        rest = &rest[4 + length..];
    }
    Err("a member's length is missing".to_owned())
}

fn unpack(file: &File, member: &Member) -> Result<Vec<u8>, String> {
    let read = |offset, length| read_at(file, offset, length).map_err(|error| error.to_string());
    if member.packed > LONGEST_RECORD || member.plain > LONGEST_RECORD {
        return Err(format!("it is longer than {LONGEST_RECORD} bytes"));
    }
    let header = read(member.offset, 30)?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err("it is not where the directory says".to_owned());
    }
    let (name, extra) = (u64::from(le16(&header, 26)), u64::from(le16(&header, 28)));
    let name_at = member.offset.checked_add(30).ok_or("it lies outside the file")?;
    if read(name_at, name)? != member.name.as_bytes() {
        return Err("it has another name than the directory says".to_owned());
    }
    let packed = read(name_at + name + extra, member.packed)?;
    let text = match member.method {
        0 => packed,
        8 => read_limited(DeflateDecoder::new(&*packed), LONGEST_RECORD).map_err(|error| error.to_string())?,
        other => return Err(format!("it is compressed by method {other}; 0 and 8 are known")),
    };
    let mut crc = Crc::new();
    crc.update(&text);
    if text.len() as u64 != member.plain || crc.sum() != member.crc {
        return Err("its content is damaged".to_owned());
    }
    Ok(text)
}

fn read_at(file: &File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
    // Checked first: a wrong length must not make room for itself.
    let end = offset.checked_add(length as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
    if end > file.metadata()?.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from(le16(bytes, at)) | u32::from(le16(bytes, at + 2)) << 16
}

fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from(le32(bytes, at)) | u64::from(le32(bytes, at + 4)) << 32
}
