//! Rust as tokens: names, texts and marks; comments and lifetimes are left out.

/// One token. A text is without its quotes, escapes left as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) line: u32,
    pub(super) start: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Text,
    Number,
    Mark,
}

/// All tokens; linear, and it ends whatever the input is.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let bytes = source.as_bytes();
    let (mut at, mut line, mut out) = (0, 1_u32, Vec::with_capacity(bytes.len() / 5));
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    while at < bytes.len() {
        let start = at;
        let first = bytes[at];
        let began = line;
        let (kind, from, to) = match first {
            b'\n' => {
                line += 1;
                at += 1;
                continue;
            }
            _ if first.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'/' if byte(at + 1) == b'/' => {
                at = bytes[at..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |end| at + end);
                continue;
            }
            b'/' if byte(at + 1) == b'*' => {
                let mut depth = 0_u32;
                while at < bytes.len() {
                    match (bytes[at], byte(at + 1)) {
                        (b'/', b'*') => {
                            depth += 1;
                            at += 1;
                        }
                        (b'*', b'/') => {
                            depth -= 1;
                            at += 1;
                        }
                        (b'\n', _) => line += 1,
                        _ => {}
                    }
                    at += 1;
                    if depth == 0 {
                        break;
                    }
                }
                continue;
            }
            b'r' | b'b' | b'c' if raw(bytes, at).is_some() => {
                let (open, hashes) = raw(bytes, at).unwrap_or_default();
                let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
                let end = bytes[open..]
                    .windows(close.len())
                    .position(|window| window == close)
                    .map_or(bytes.len(), |end| open + end);
                line += bytes[open..end].iter().map(|&b| u32::from(b == b'\n')).sum::<u32>();
                at = (end + close.len()).min(bytes.len());
                (Kind::Text, open, end)
            }
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    line += u32::from(bytes[at] == b'\n');
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let end = at.min(bytes.len());
                at = (end + 1).min(bytes.len());
                (Kind::Text, start + 1, end)
            }
            b'\'' => {
                // A character, or a lifetime.
                let width = source[at + 1..].chars().next().map_or(1, char::len_utf8);
                if byte(at + 1) == b'\\' {
                    at = bytes[at + 2..].iter().take(12).position(|&b| b == b'\'').map_or(at + 2, |end| at + 3 + end);
                } else if byte(at + 1 + width) == b'\'' {
                    at += 2 + width;
                } else {
                    at += 1;
                }
                continue;
            }
            _ if first.is_ascii_digit() => {
                while byte(at).is_ascii_alphanumeric() || byte(at) == b'_' {
                    at += 1;
                }
                (Kind::Number, start, at)
            }
            _ if first.is_ascii_alphabetic() || first == b'_' || first >= 0x80 => {
                while byte(at).is_ascii_alphanumeric() || byte(at) == b'_' || byte(at) >= 0x80 {
                    at += 1;
                }
                (Kind::Name, start, at)
            }
            b':' if byte(at + 1) == b':' => {
                at += 2;
                (Kind::Mark, start, at)
            }
            _ => {
                at += 1;
                (Kind::Mark, start, at)
            }
        };
        let text = source.get(from..to).unwrap_or_default();
        out.push(Token { kind, text, line: began, start });
    }
    out
}

/// `r"`, `r#"`, `br"`, `b"`: where the text begins, and how many hashes close it.
fn raw(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut at = at;
    while matches!(bytes.get(at), Some(b'b' | b'c')) {
        at += 1;
    }
    if bytes.get(at) != Some(&b'r') {
        return None;
    }
    let hashes = bytes[at + 1..].iter().take(255).take_while(|&&b| b == b'#').count();
    (bytes.get(at + 1 + hashes) == Some(&b'"')).then_some((at + 2 + hashes, hashes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_characters_and_lifetimes() {
        let texts = |source: &str| {
            tokens(source).iter().filter(|t| t.kind == Kind::Text).map(|t| t.text.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(texts(r##"a("x\"y", r#"z"w"#, b"q", '"', '\'', 'a', "é")"##), [r#"x\"y"#, "z\"w", "q", "é"]);
        assert_eq!(
            tokens("fn a<'a>(x: &'a str) { /* /* */ \" */ }").iter().filter(|t| t.kind == Kind::Text).count(),
            0
        );
        for hostile in ["\"", "'", "'\\", "r#\"", "/*", "r######", "é'", "b", "'é"] {
            tokens(hostile);
        }
    }
}
