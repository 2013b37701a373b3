//! Encodings that shells carry text in.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Takes base64 with or without its padding, as PowerShell and `base64 -d` do.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The bytes of a base64 text, white space aside.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let packed: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    if packed.len() < 4 { None } else { LENIENT.decode(packed).ok() }
}

/// The text of `powershell -enc`: base64 of UTF-16LE.
pub(crate) fn powershell(text: &str) -> Option<String> {
    let bytes = base64(text)?;
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units).ok()?;
    readable(&text).then_some(text)
}

/// The text of plain base64, when it is text.
pub(crate) fn plain(text: &str) -> Option<String> {
    let text = String::from_utf8(base64(text)?).ok()?;
    readable(&text).then_some(text)
}

/// The text of hexadecimal digits, when it is text.
pub(crate) fn hex(text: &str) -> Option<String> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let bytes: Option<Vec<u8>> = digits
        .chunks_exact(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    let text = String::from_utf8(bytes?).ok()?;
    readable(&text).then_some(text)
}

fn readable(text: &str) -> bool {
    !text.is_empty()
        && text.chars().filter(|c| c.is_control() && !c.is_whitespace()).count() * 20 <= text.chars().count()
}
