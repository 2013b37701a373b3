//! What every adapter needs of text: hosts, shape, digests. Each is one pass over the bytes.

use crate::lang::{Literals, Shape};

/// Hosts kept of one file.
const HOSTS: usize = 200;
/// E-mail addresses kept of one file.
const MAILS: usize = 50;
/// Literals that look encoded kept of one file.
const ENCODED: usize = 50;
/// From how many bytes on a literal that looks encoded is worth naming.
const LONG: usize = 2048;

/// The bytes as text: UTF-8, or UTF-16 with its mark; what is neither becomes replacement characters.
pub(crate) fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    let wide = |rest: &[u8], from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes).into(),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes).into(),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(bytes),
    }
}

/// FNV-1a over the words of the text: white space between them does not count.
pub(crate) fn digest(text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for word in text.split_ascii_whitespace() {
        for byte in word.bytes().chain([b' ']) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// The host of a URL, lower case, without port and user; `None` when it is none or is computed.
pub(crate) fn host(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
        return None;
    }
    host_at(rest)
}

/// The host that this text begins with: what follows `://`.
fn host_at(rest: &str) -> Option<String> {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || "-._~%@:[]".contains(c))).unwrap_or(rest.len());
    let authority = &rest[..end.min(512)].rsplit('@').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.').to_lowercase();
    let plausible = host.contains('.') || host.contains(':') || host == "localhost";
    (plausible && !host.starts_with('.') && !host.contains('%') && host.len() < 254).then_some(host)
}

/// The host that an argument of a network call names without a scheme: `c2.test`, `c2.test:443`, `c2.test 443`,
/// `//c2.test/x`. `None` for what may as well be a path, a file or a name that is computed.
pub(crate) fn bare_host(text: &str) -> Option<String> {
    let text = text.strip_prefix("//").unwrap_or(text);
    let end = text.find(['/', ' ', '?', '#']).unwrap_or(text.len());
    let host = host_at(&text[..end])?;
    let (rest, last) = host.rsplit_once('.')?;
    let labels = rest
        .split('.')
        .all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    let top = last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic()) && !is_file_ending(last);
    (labels && top || host.parse::<std::net::IpAddr>().is_ok()).then_some(host)
}

/// What files are called by more often than places.
fn is_file_ending(last: &str) -> bool {
    matches!(
        last,
        "py" | "js"
            | "mjs"
            | "cjs"
            | "ts"
            | "rs"
            | "sh"
            | "md"
            | "html"
            | "htm"
            | "json"
            | "xml"
            | "yaml"
            | "yml"
            | "toml"
            | "txt"
            | "csv"
            | "tsv"
            | "zip"
            | "gz"
            | "tgz"
            | "tar"
            | "whl"
            | "exe"
            | "dll"
            | "so"
            | "png"
            | "jpg"
            | "jpeg"
            | "gif"
            | "svg"
            | "pdf"
            | "css"
            | "php"
            | "sock"
            | "db"
            | "sqlite"
            | "log"
            | "cfg"
            | "ini"
            | "pem"
            | "crt"
            | "key"
            | "bin"
            | "parquet"
            | "onnx"
            | "safetensors"
            | "url"
            | "host"
            | "local"
    )
}

/// E-mail addresses between quotes, outside comments: lower case, each once, with its line and whether that line also says
/// `bcc`. Who writes a manual names people in comments; who sends mail names them in strings.
pub(crate) fn mails(text: &str) -> Vec<(String, u32, bool)> {
    let mut found: Vec<(String, u32, bool)> = Vec::new();
    let bytes = text.as_bytes();
    let local = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-');
    let domain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    let (mut line, mut start) = (1_u32, 0_usize);
    for (at, &byte) in bytes.iter().enumerate() {
        if byte == b'\n' {
            (line, start) = (line + 1, at + 1);
        }
        if byte != b'@' || found.len() >= MAILS {
            continue;
        }
        // So much of the line as an address and what introduces it can take: a line may have a hundred megabytes.
        let near = start.max(at.saturating_sub(200));
        let from = (near..at).rev().take_while(|&at| local(bytes[at])).last().unwrap_or(at);
        let to = (at + 1..bytes.len().min(at + 200))
            .take_while(|&at| domain(bytes[at]))
            .last()
            .map_or(at + 1, |last| last + 1);
        let host = String::from_utf8_lossy(&bytes[at + 1..to]).to_lowercase();
        let is_host = bare_host(&host).is_some_and(|host| host.parse::<std::net::IpAddr>().is_err());
        // `user:password@host` is part of a URL, `name@1.2.3` a version, `@decorator` nothing before it.
        if from == at || !is_host || near < from && matches!(bytes[from - 1], b':' | b'/' | b'@') {
            continue;
        }
        let before = &bytes[near..from];
        let quoted = before.iter().any(|b| matches!(b, b'"' | b'\'' | b'`'))
            && bytes[to..bytes.len().min(to + 200)]
                .iter()
                .take_while(|b| **b != b'\n')
                .any(|b| matches!(b, b'"' | b'\'' | b'`'));
        let opening = String::from_utf8_lossy(&bytes[start..at.min(start + 24)]);
        let comment = ["#", "//", "*", "/*", "--", "<!--"].iter().any(|mark| opening.trim_start().starts_with(mark));
        if !quoted || comment {
            continue;
        }
        let name = format!("{}@{host}", String::from_utf8_lossy(&bytes[from..at]).to_lowercase());
        let blind = before.windows(3).any(|word| word.eq_ignore_ascii_case(b"bcc"));
        match found.iter_mut().find(|(known, ..)| *known == name) {
            Some(known) => known.2 |= blind,
            None => found.push((name, line, blind)),
        }
    }
    found
}

/// Hosts in URLs, e-mail addresses, and runs of characters that look encoded, anywhere in the text.
pub(crate) fn literals(text: &str) -> Literals {
    let mut found = Literals { mails: mails(text), ..Literals::default() };
    let mut seen = std::collections::BTreeSet::new();
    let (mut line, mut run) = (1_u32, 0_usize);
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-' | b'\\') {
            run += 1;
        } else {
            encoded(&mut found, line, run);
            run = 0;
        }
        if byte == b':' && bytes[at..].starts_with(b"://") && seen.len() < HOSTS && text.is_char_boundary(at + 3) {
            // The end of what a host can be, so that a line of a hundred megabytes is not searched at every mark.
            let mut end = (at + 3 + 600).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            if let Some(host) = host_at(&text[at + 3..end])
                && seen.insert(host.clone())
            {
                found.hosts.push((host, line));
            }
        }
        line += u32::from(byte == b'\n');
    }
    encoded(&mut found, line, run);
    found
}

fn encoded(found: &mut Literals, line: u32, run: usize) {
    if run >= LONG && found.encoded.len() < ENCODED {
        found.encoded.push((line, u32::try_from(run).unwrap_or(u32::MAX)));
    }
}

/// How the text looks.
pub(crate) fn shape(text: &str) -> Shape {
    let mut shape = Shape::default();
    for (at, line) in text.split('\n').enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        shape.lines = number;
        let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
        if length > shape.longest.0 {
            shape.longest = (length, number);
        }
        if shape.pushed_right.is_none() && length > 150 && pushed_right(line) {
            shape.pushed_right = Some(number);
        }
        if shape.deceptive.is_none() && !line.is_ascii() && deceptive(line) {
            shape.deceptive = Some(number);
        }
    }
    shape
}

/// Code, then more than 150 blanks, then code again: what an editor without line wrap does not show.
fn pushed_right(line: &str) -> bool {
    let Some(start) = line.find(|c: char| !c.is_whitespace()) else { return false };
    if start > 150 {
        return true;
    }
    let mut run = 0;
    for byte in line[start..].bytes() {
        if byte == b' ' || byte == b'\t' {
            run += 1;
        } else if run > 150 {
            return byte != b'/' && byte != b'#' && byte != b'*' && byte != b'|' && byte != b'\\' && byte != b'\r';
        } else {
            run = 0;
        }
    }
    false
}

/// Characters that change the order of what is shown, or cannot be seen where a name could stand.
fn deceptive(line: &str) -> bool {
    line.chars().any(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        // A run of variation selectors or tag characters carries data that nobody sees.
        || line.chars().filter(|c| matches!(c, '\u{e0000}'..='\u{e01ef}' | '\u{fe00}'..='\u{fe0e}')).count() > 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_and_bounded() {
        let found = literals(
            "a = 'https://User:pw@Evil.test:8080/x'\nb = \"http://10.0.0.1/\" // https://${x}\nhttp://[::1]:3/",
        );
        assert_eq!(found.hosts, [("evil.test".to_owned(), 1), ("10.0.0.1".to_owned(), 2), ("::1".to_owned(), 3)]);
        assert_eq!(host("tcp://a.test/"), Some("a.test".to_owned()));
        assert_eq!(host("nothing"), None);
    }

    #[test]
    fn a_host_without_a_scheme_is_known_from_a_file() {
        for (text, host) in [
            ("c2.test", "c2.test"),
            ("C2.test:443", "c2.test"),
            ("c2.test 443", "c2.test"),
            ("//a.c2.test/x.json", "a.c2.test"),
            ("192.0.2.7:80", "192.0.2.7"),
        ] {
            assert_eq!(bare_host(text).as_deref(), Some(host), "{text}");
        }
        for text in
            ["", "/v1/x", "data.json", "a/b.test", "localhost", "\u{fffc}.test", "a.\u{fffc}", "..", "v1.2", "x"]
        {
            assert_eq!(bare_host(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_of_people_count_in_strings_only() {
        let text = "# Jo <jo@people.test>\nsend(to, Bcc='Drop@box.test')\n// 'x@y.test'\nurl = 'https://u:p@h.test/'\n\
            dep = 'left-pad@1.2.3'\nfoo = \"Jo <jo@people.test>\"\n@app.route('/x')\nat = a@b.test\n";
        assert_eq!(mails(text), [("drop@box.test".to_owned(), 2, true), ("jo@people.test".to_owned(), 6, false)]);
        assert_eq!(mails(&"'@".repeat(1_000_000)), []);
    }

    #[test]
    fn shapes_are_seen() {
        let text = format!("x = 1\nimport os;{}exec(y)\n\u{202e}\n{}\n", " ".repeat(200), "A".repeat(3000));
        let shape = shape(&text);
        assert_eq!((shape.pushed_right, shape.deceptive, shape.longest), (Some(2), Some(3), (3000, 4)));
        assert_eq!(literals(&text).encoded, [(4, 3000)]);
    }
}
