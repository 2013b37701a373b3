//! The zip that a bundle is: members stored one after the other, no times, no attributes, so that the same members make
//! the same bytes and the receiver can compare all of them (PKWARE APPNOTE 6.3.10, without ZIP64).

use std::collections::BTreeMap;

use flate2::Crc;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// 1980-01-01, the earliest date of the format.
const DATE: u16 = 0x21;
/// Bit 11: names are UTF-8.
const UTF8: u16 = 0x800;

/// Writes the members in the order of their names.
pub(super) fn write(members: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let offset = out.len() as u32;
        let mut crc = Crc::new();
        crc.update(bytes);
        let mut head = Vec::new();
        for field in [20_u16, UTF8, 0, 0, DATE] {
            head.extend(field.to_le_bytes());
        }
        for field in [crc.sum(), bytes.len() as u32, bytes.len() as u32] {
            head.extend(field.to_le_bytes());
        }
        head.extend((name.len() as u16).to_le_bytes());
        head.extend(0_u16.to_le_bytes());
        out.extend(LOCAL.to_le_bytes());
        out.extend(&head);
        out.extend(name.as_bytes());
        out.extend(bytes);
        directory.extend(CENTRAL.to_le_bytes());
        directory.extend(20_u16.to_le_bytes());
        directory.extend(&head);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (out.len() as u32, members.len() as u16);
    out.extend(&directory);
    out.extend(END.to_le_bytes());
    out.extend([0; 4]);
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend(0_u16.to_le_bytes());
    out
}

/// Reads members that [`write`] wrote. Anything else in the file shows when it is written again and compared.
pub(super) fn read(zip: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let cut = || "the zip is cut off".to_owned();
    let mut members = BTreeMap::new();
    let mut at = 0;
    while let Some(head) = zip.get(at..at + 30).filter(|head| head[..4] == LOCAL.to_le_bytes()) {
        let short = |place: usize| usize::from(u16::from_le_bytes([head[place], head[place + 1]]));
        let long = |place: usize| u32::from_le_bytes([head[place], head[place + 1], head[place + 2], head[place + 3]]);
        let (name_length, size) = (short(26) + short(28), long(18) as usize);
        let name = zip.get(at + 30..at + 30 + short(26)).ok_or_else(cut)?;
        let name = String::from_utf8(name.to_vec()).map_err(|_| "a member's name is not UTF-8".to_owned())?;
        let start = at + 30 + name_length;
        let bytes = zip.get(start..start.saturating_add(size)).ok_or_else(cut)?;
        members.insert(name, bytes.to_vec());
        at = start + size;
    }
    if members.is_empty() { Err("it is not a bundle".to_owned()) } else { Ok(members) }
}
