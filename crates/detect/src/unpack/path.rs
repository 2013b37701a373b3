//! The paths of members: what is refused, and when two of them are the same file somewhere.

use crate::structure::Flaw;
use crate::text;

/// The path as text, escaped where it must be, with every flaw in it.
pub(crate) fn judge(raw: &[u8]) -> (String, Vec<(Flaw, &'static str)>) {
    let mut flaws = Vec::new();
    let shown = text::escape(raw);
    match std::str::from_utf8(raw) {
        Err(_) => flaws.push((Flaw::PathOdd, "the path is not UTF-8")),
        Ok(path) if path.chars().any(char::is_control) => {
            flaws.push((Flaw::PathOdd, "the path holds control characters"))
        }
        Ok(path) if path.chars().any(text::is_deceptive) => {
            flaws.push((Flaw::PathOdd, "the path holds characters that are invisible or change direction"));
        }
        Ok(_) => {}
    }
    if raw.is_empty() {
        flaws.push((Flaw::PathOdd, "the path is empty"));
    }
    if raw.contains(&b'\\') {
        flaws.push((Flaw::PathOdd, "the path holds a backslash, which is a separator on Windows only"));
    }
    // What Windows would do with it counts as well, so both separators split here.
    let mut components = raw.split(|&b| b == b'/' || b == b'\\').peekable();
    if raw.first().is_some_and(|&b| b == b'/' || b == b'\\') {
        flaws.push((Flaw::PathEscape, "the path is absolute"));
    }
    if raw.len() >= 2 && raw[0].is_ascii_alphabetic() && raw[1] == b':' {
        flaws.push((Flaw::PathEscape, "the path begins with a drive letter"));
    }
    let (mut parent, mut odd, mut long) = (false, false, raw.len() > 4096);
    let mut first = true;
    let mut at = 0;
    while let Some(component) = components.next() {
        let last = components.peek().is_none();
        parent |= component == b"..";
        // A lone "." is the root directory of a tar and "./" before everything is a habit of tar: both are harmless.
        // npm writes `package/./dist` for files that are listed with a dot.
        odd |= component == b"." && !first && !(at == 1 && raw.starts_with(b"package/"));
        odd |= component.is_empty() && !last && !first;
        long |= component.len() > 255;
        first = false;
        at += 1;
    }
    if parent {
        flaws.push((Flaw::PathEscape, "the path holds `..`"));
    }
    if odd {
        flaws.push((Flaw::PathOdd, "the path holds an empty or `.` component"));
    }
    if long {
        flaws.push((Flaw::PathOdd, "the path is longer than file systems allow"));
    }
    (shown, flaws)
}

/// The path with one spelling for one place: `/` between components, no empty and no `.` ones. `..` stays.
pub(crate) fn normal(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for component in path.split(['/', '\\']).filter(|component| !matches!(*component, "" | ".")) {
        if !out.is_empty() {
            out.push('/');
        }
        out.push_str(component);
    }
    out
}

/// A key that is equal for paths which name one file on some file system: case, trailing dots and spaces (Windows), and
/// composed against decomposed letters (macOS), the latter for Latin letters.
pub(crate) fn collision_key(normal_path: &str) -> String {
    if normal_path.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) && !has_trailing(normal_path) {
        return normal_path.to_owned();
    }
    let mut out = String::with_capacity(normal_path.len());
    for (index, component) in normal_path.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        for character in component.trim_end_matches(['.', ' ']).chars().flat_map(char::to_lowercase) {
            match character {
                '\u{300}'..='\u{36f}' => {}
                other => out.push(base_letter(other)),
            }
        }
    }
    out
}

fn has_trailing(path: &str) -> bool {
    path.ends_with(['.', ' ']) || path.contains("./") || path.contains(" /")
}

/// The letter under the accents, for the lower-case letters of Latin-1 and Latin Extended-A that decompose.
fn base_letter(character: char) -> char {
    const LETTERS: &[(char, &str)] = &[
        ('a', "àáâãäåāăą"),
        ('c', "çćĉċč"),
        ('d', "ď"),
        ('e', "èéêëēĕėęě"),
        ('g', "ĝğġģ"),
        ('h', "ĥ"),
        ('i', "ìíîïĩīĭį"),
        ('j', "ĵ"),
        ('k', "ķ"),
        ('l', "ĺļľ"),
        ('n', "ñńņň"),
        ('o', "òóôõöōŏő"),
        ('r', "ŕŗř"),
        ('s', "śŝşš"),
        ('t', "ţť"),
        ('u', "ùúûüũūŭůűų"),
        ('w', "ŵ"),
        ('y', "ýÿŷ"),
        ('z', "źżž"),
    ];
    if !('\u{e0}'..='\u{17f}').contains(&character) {
        return character;
    }
    LETTERS.iter().find(|(_, marked)| marked.contains(character)).map_or(character, |&(letter, _)| letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_escape_or_deceive_are_named() {
        for (raw, flaw) in [
            (&b"/etc/passwd"[..], Flaw::PathEscape),
            (b"a/../../b", Flaw::PathEscape),
            (b"..", Flaw::PathEscape),
            (b"..\\b", Flaw::PathEscape),
            (b"C:\\x", Flaw::PathEscape),
            (b"c:x", Flaw::PathEscape),
            (b"\\\\host\\x", Flaw::PathEscape),
            (b"", Flaw::PathOdd),
            (b"a//b", Flaw::PathOdd),
            (b"a/./b", Flaw::PathOdd),
            (b"a\\b", Flaw::PathOdd),
            (b"a\0b", Flaw::PathOdd),
            (b"a\nb", Flaw::PathOdd),
            (b"a\xff", Flaw::PathOdd),
            ("a\u{202e}b".as_bytes(), Flaw::PathOdd),
            (&[b'a'; 256], Flaw::PathOdd),
        ] {
            assert!(judge(raw).1.iter().any(|found| found.0 == flaw), "{}", text::escape(raw));
        }
        for raw in ["a/b.py", "a/", "./a/b", "a..b/c...", ".hidden", "ünïcode/é.py", "a b/c"] {
            assert!(judge(raw.as_bytes()).1.is_empty(), "{raw}");
        }
    }

    #[test]
    fn one_file_somewhere_has_one_key() {
        for (left, right) in [("A/b", "a/B"), ("caf\u{e9}", "cafe\u{301}"), ("a./b", "a/b"), ("x ", "x")] {
            assert_eq!(collision_key(left), collision_key(right));
        }
        assert_ne!(collision_key("a/b"), collision_key("a/c"));
        assert_eq!(normal("./a//b/./c/"), "a/b/c");
    }
}
