//! The bytes of a Python file as text: byte-order marks, coding cookies (PEP 263), and what no decoder agrees on.

use std::borrow::Cow;

/// A file as text.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) text: Cow<'a, str>,
    /// What makes the file read differently to people and to Python.
    pub(super) odd: Option<String>,
    /// It starts as a zip archive, or ends as one: Python runs such a file as an archive.
    pub(super) zipped: bool,
}

/// Decodes as Python would, and notes what is odd about it. Bytes that do not decode become replacement characters.
pub(super) fn decode(bytes: &[u8]) -> Source<'_> {
    let zipped = is_zip(bytes);
    let (text, odd) = text(bytes);
    Source { text, odd, zipped }
}

fn text(bytes: &[u8]) -> (Cow<'_, str>, Option<String>) {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return utf8(rest);
    }
    for (mark, big) in [(&b"\xff\xfe"[..], false), (&b"\xfe\xff"[..], true)] {
        if let Some(rest) = bytes.strip_prefix(mark) {
            return (Cow::Owned(utf16(rest, big)), Some("it is UTF-16, which Python does not run".to_owned()));
        }
    }
    match cookie(bytes).as_deref() {
        None | Some("utf8" | "utf8sig" | "ascii" | "usascii") => utf8(bytes),
        Some("latin1" | "iso88591" | "l1" | "iso885915" | "latin9" | "cp1252" | "windows1252") => {
            (Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()), None)
        }
        Some("utf7" | "u7") => (
            Cow::Owned(utf7(bytes)),
            Some("its coding line says UTF-7, in which code can hide from whoever reads it as text".to_owned()),
        ),
        Some(
            name @ ("rot13" | "rot_13" | "hex" | "base64" | "bz2" | "zlib" | "uu" | "unicodeescape"
            | "rawunicodeescape" | "punycode" | "idna" | "quopri" | "undefined"),
        ) => {
            let text =
                if name == "unicodeescape" || name == "rawunicodeescape" { escapes(bytes) } else { utf8(bytes).0 };
            (text, Some(format!("its coding line says `{name}`, which no honest source uses")))
        }
        // Asian and Cyrillic code pages: ASCII is ASCII in all of them, and names of calls are ASCII.
        Some(_) => (utf8(bytes).0, None),
    }
}

fn utf8(bytes: &[u8]) -> (Cow<'_, str>, Option<String>) {
    let odd = bytes.contains(&0).then(|| "it holds NUL bytes, at which Python stops".to_owned());
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => (Cow::Borrowed(text), odd),
        Cow::Owned(text) => (Cow::Owned(text), odd.or_else(|| Some("it is not UTF-8".to_owned()))),
    }
}

/// The coding named in one of the first two lines, without dashes and in lower case.
fn cookie(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|&byte| byte == b'\n' || byte == b'\r').take(2) {
        let line = line.get(..line.len().min(200)).unwrap_or(line);
        let trimmed = line.trim_ascii_start();
        if !trimmed.starts_with(b"#") {
            if !trimmed.is_empty() {
                return None;
            }
            continue;
        }
        let text = String::from_utf8_lossy(line);
        let Some((_, rest)) = text.split_once("coding") else { continue };
        let Some(rest) = rest.strip_prefix([':', '=']) else { continue };
        let name: String = rest
            .trim_start()
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            .filter(|c| !matches!(c, '-' | '_'))
            .collect();
        return Some(name.to_ascii_lowercase());
    }
    None
}

fn utf16(bytes: &[u8], big: bool) -> String {
    let units = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) });
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// UTF-7 (RFC 2152): `+` starts base64 of UTF-16, `-` ends it.
fn utf7(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'+' {
            out.push(char::from(byte));
            continue;
        }
        let len = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'/'));
        let len = len.unwrap_or(rest.len());
        let (coded, after) = rest.split_at(len);
        if coded.is_empty() {
            out.push('+');
        } else {
            out.push_str(&utf16(&super::decode::base64(coded).unwrap_or_default(), true));
        }
        rest = after.strip_prefix(b"-").unwrap_or(after);
    }
    out
}

/// `\x41` and `\u0041` in the whole source.
fn escapes(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    Cow::Owned(super::fold::unescape(&text))
}

/// A local header at the start, or an end record within the last 64 kB that points back to a directory.
fn is_zip(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(22 + 65_535)..];
    let Some(at) = tail.windows(4).rposition(|window| window == b"PK\x05\x06") else { return false };
    let Some(size) = tail.get(at + 12..at + 16).and_then(|raw| raw.try_into().ok()).map(u32::from_le_bytes) else {
        return false;
    };
    let end = bytes.len() - tail.len() + at;
    let Some(start) = end.checked_sub(size as usize) else { return false };
    size >= 46 && bytes[start..].starts_with(b"PK\x01\x02")
}
