//! Extra fields of zip headers: the two that change what a reader sees.

use super::end::{u16_at, u32_at, u64_at};

const ZIP64: u16 = 0x0001;
const UNICODE_PATH: u16 = 0x7075;

/// What the extra fields of one header say.
#[derive(Debug, Default)]
pub(super) struct Extra<'a> {
    /// The content of the zip64 field.
    pub(super) zip64: Option<&'a [u8]>,
    /// The name in the Unicode path field.
    pub(super) unicode_path: Option<&'a [u8]>,
    /// What is wrong with the fields as such.
    pub(super) flaw: Option<&'static str>,
}

/// Splits the extra fields of a header.
pub(super) fn parse(mut bytes: &[u8]) -> Extra<'_> {
    let mut extra = Extra::default();
    while bytes.len() >= 4 {
        let (id, len) = (u16_at(bytes, 0), usize::from(u16_at(bytes, 2)));
        let Some(data) = bytes.get(4..4 + len) else {
            extra.flaw = Some("an extra field is longer than the header");
            return extra;
        };
        let (field, content, twice) = match id {
            ZIP64 => (&mut extra.zip64, data, "there are two zip64 fields"),
            UNICODE_PATH => {
                // A version and a CRC stand before the path.
                (&mut extra.unicode_path, data.get(5..).unwrap_or_default(), "there are two Unicode path fields")
            }
            _ => {
                bytes = &bytes[4 + len..];
                continue;
            }
        };
        if field.replace(content).is_some() {
            extra.flaw = Some(twice);
        }
        bytes = &bytes[4 + len..];
    }
    // Alignment tools pad with up to three zero bytes.
    if bytes.iter().any(|&byte| byte != 0) {
        extra.flaw = Some("the extra fields end in the middle of one");
    }
    extra
}

/// Sizes and offset of a header, after the zip64 field has replaced those that are all ones. `None`: a number is missing,
/// or the field states a size that a reader which ignores the all-ones rule would take instead.
pub(super) fn large(zip64: Option<&[u8]>, size: u32, packed: u32, offset: Option<u32>) -> Option<(u64, u64, u64)> {
    let field = zip64.unwrap_or_default();
    let mut at = 0;
    let mut used = false;
    let mut number = |small: u32| -> Option<u64> {
        if small != u32::MAX {
            return Some(u64::from(small));
        }
        used = true;
        field.get(at..at + 8)?;
        let large = u64_at(field, at);
        at += 8;
        Some(large)
    };
    let numbers = (number(size)?, number(packed)?, offset.map_or(Some(0), &mut number)?);
    let claims = field.len() >= 8 && !used;
    if claims && u64_at(field, 0) != numbers.0 {
        return None;
    }
    Some(numbers)
}

/// Size, packed size and offset as a header has them, for tests of equality with all ones.
pub(super) fn sizes(header: &[u8], packed_at: usize) -> (u32, u32) {
    (u32_at(header, packed_at), u32_at(header, packed_at + 4))
}
