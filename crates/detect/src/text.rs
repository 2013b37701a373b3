//! Hostile text made printable.

use std::fmt::Write as _;

/// The bytes as text on one line: what is not UTF-8, not printable, or steers the direction of text becomes an escape.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    // Writing to a String cannot fail, and no escape is longer than four characters for each byte.
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_ascii_control() {
                let _ = write!(out, "\\x{:02x}", u32::from(character));
            } else if is_deceptive(character) {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            } else {
                out.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// The same, at most `limit` characters, with an ellipsis where it was cut.
pub(crate) fn excerpt(bytes: &[u8], limit: usize) -> String {
    // An escape is at most 10 characters for 4 bytes, a character at most 4 bytes: this prefix is always enough.
    let head = &bytes[..bytes.len().min(limit * 4)];
    let text = escape(head);
    if head.len() == bytes.len() && text.chars().count() <= limit {
        return text;
    }
    text.chars().take(limit - 1).chain(['…']).collect()
}

/// Control characters, invisible ones, and those that change the order in which text is shown.
pub(crate) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
