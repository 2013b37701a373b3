//! One 512-byte tar header.

use super::super::fault::Fault;
use crate::structure::Flaw;

pub(super) const BLOCK: usize = 512;

/// What kind of member a header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    File,
    Hardlink,
    Symlink,
    Directory,
    /// A device, a pipe, or a letter nobody agrees on.
    Other(u8),
    Pax,
    PaxGlobal,
    LongName,
    LongLink,
    Sparse,
}

/// The fields that matter.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) size: u64,
    pub(super) kind: Type,
    stray_prefix: bool,
}

impl Header {
    pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Self, Fault> {
        checksum(block)?;
        let kind = match block[156] {
            // '7' is a contiguous file, which nobody treats apart.
            0 | b'0' | b'7' => Type::File,
            b'1' => Type::Hardlink,
            b'2' => Type::Symlink,
            b'5' => Type::Directory,
            b'x' | b'X' => Type::Pax,
            b'g' => Type::PaxGlobal,
            b'L' => Type::LongName,
            b'K' => Type::LongLink,
            b'S' => Type::Sparse,
            other => Type::Other(other),
        };
        let prefix = until_nul(&block[345..500]);
        let mut name = until_nul(&block[..100]).to_vec();
        let is_posix = &block[257..263] == b"ustar\0";
        if is_posix && !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
        Ok(Self {
            name,
            link: until_nul(&block[157..257]).to_vec(),
            size: number(&block[124..136])?,
            kind,
            // Old GNU and star headers keep times there, which begin with a digit or NUL.
            stray_prefix: !is_posix && prefix.iter().any(|byte| !matches!(byte, b'0'..=b'7' | b' ')),
        })
    }

    /// Facts of the header alone that readers take differently.
    pub(super) fn oddities(&self) -> impl Iterator<Item = &'static str> {
        self.stray_prefix.then_some("there is a path prefix in a header that is not ustar").into_iter()
    }

    /// The type letter, printable.
    pub(super) fn kind_shown(&self) -> String {
        match self.kind {
            Type::Other(byte) => crate::text::escape(&[byte]),
            other => format!("{other:?}"),
        }
    }
}

/// The bytes before the first NUL.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// The sum of all bytes with the sum field as spaces; old writers summed signed bytes, and every reader takes both.
fn checksum(block: &[u8; BLOCK]) -> Result<(), Fault> {
    let stated = number(&block[148..156])?;
    let (mut unsigned, mut signed) = (0_i64, 0_i64);
    for (at, &byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&at) { b' ' } else { byte };
        unsigned += i64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    if i64::try_from(stated).is_ok_and(|stated| stated == unsigned || stated == signed) {
        return Ok(());
    }
    Err(Fault::Flaw(Flaw::Checksum, "the sum of a tar header is wrong".to_owned()))
}

/// An octal number with spaces and NULs around it, or a big-endian one when the first bit is set (GNU).
fn number(field: &[u8]) -> Result<u64, Fault> {
    let wrong = || Fault::corrupt("a number in a tar header is not valid");
    if field[0] == 0x80 {
        let value =
            field[1..].iter().try_fold(0_u64, |value, &byte| value.checked_mul(256)?.checked_add(u64::from(byte)));
        return value.filter(|&value| value < 1 << 62).ok_or_else(wrong);
    }
    let text = until_nul(field).trim_ascii();
    let mut value: u64 = 0;
    for &digit in text {
        if !(b'0'..=b'7').contains(&digit) {
            return Err(wrong());
        }
        value = value << 3 | u64::from(digit - b'0');
    }
    // At most 12 octal digits: 36 bits.
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_octal_or_base_256_in_fields_of_any_length() {
        for (field, value) in [
            (&b"0000644\0"[..], 0o644),
            (b"  12 \0xx", 0o12),
            (b"\0\0\0\0\0\0\0\0", 0),
            (b"777777777777", (1 << 36) - 1),
            (b"\x80\0\0\0\0\0\x01\x02", 258),
            (b"\x80\0\0\0\0\0\0\0\0\0\x01\x02", 258),
        ] {
            assert_eq!(number(field).ok(), Some(value), "{field:x?}");
        }
        for field in
            [&b"0000648\0"[..], b"-000001\0", b"\xff\xff\xff\xff\xff\xff\xff\xff", b"\x80\x01\0\0\0\0\0\0\0\0\0\0"]
        {
            assert!(number(field).is_err(), "{field:x?}");
        }
    }
}
