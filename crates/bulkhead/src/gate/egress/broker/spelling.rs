//! The ways in which a value is written where it travels: as it is, and as services and programs encode it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::bytes::{Regex, RegexBuilder};

/// The spellings in which a program puts a value into a header or a body, always the same number in the same order: as it
/// is, percent-encoded, and with JSON's escapes.
pub(super) fn sent(value: &[u8]) -> [Vec<u8>; 4] {
    let json = |&byte: &u8| if matches!(byte, b'/' | b'"' | b'\\') { vec![b'\\', byte] } else { vec![byte] };
    let [upper, lower] = percent(value, |byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    [value.to_vec(), upper, lower, value.iter().flat_map(json).collect()]
}

/// Percent-encoded (RFC 3986, 2.1) with capitals and with small letters, apart from those.
fn percent(value: &[u8], apart: impl Fn(u8) -> bool) -> [Vec<u8>; 2] {
    let byte = |byte: &u8, upper: bool| match byte {
        byte if apart(*byte) => vec![*byte],
        byte if upper => format!("%{byte:02X}").into_bytes(),
        byte => format!("%{byte:02x}").into_bytes(),
    };
    [true, false].map(|upper| value.iter().flat_map(|one| byte(one, upper)).collect())
}

/// The spellings in which a service repeats a value: those, base64 (all three alignments, both alphabets), hex, and percent
/// signs where there need be none.
pub(super) fn echoed(value: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::from(sent(value));
    for skip in 0..3 {
        // Base64 of any text that holds the value: the characters that depend on the value alone. `skip` bytes of the value
        // complete the group that its neighbours began; the tail that the next byte would change is cut.
        let inner = value.get(skip..).unwrap_or_default();
        let whole = inner.len() / 3 * 3;
        all.push(STANDARD_NO_PAD.encode(&inner[..whole]).into_bytes());
        all.push(URL_SAFE_NO_PAD.encode(&inner[..whole]).into_bytes());
    }
    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    all.push(hex.to_ascii_uppercase().into_bytes());
    all.push(hex.into_bytes());
    all.extend(percent(value, |byte| byte.is_ascii_alphanumeric()));
    all.extend(percent(value, |_| false));
    all
}

/// Looks for many texts at once, and prefers the longest where several begin. `None` for none. The texts are ASCII.
pub(super) fn any_of<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Option<Regex> {
    let mut texts: Vec<String> = texts.map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    if texts.is_empty() {
        return None;
    }
    // An alternation of plain texts becomes an automaton over all of them, made once.
    let pattern = texts.iter().map(|text| regex::escape(text)).collect::<Vec<_>>().join("|");
    let built = RegexBuilder::new(&pattern).size_limit(usize::MAX).build();
    Some(built.expect("invariant: escaped texts are a pattern"))
}
