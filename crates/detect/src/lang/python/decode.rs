//! Decoders that code uses to hide code, over constants only. Each is bounded by the room that is left.

use std::io::Read as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// As Python does it: characters outside the alphabet do not count, in either alphabet.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let clean: Vec<u8> = text
        .iter()
        .filter_map(|byte| match byte {
            b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => Some(*byte),
            _ => None,
        })
        .collect();
    let whole = if clean.len() % 4 == 1 { &clean[..clean.len() - 1] } else { &clean[..] };
    GeneralPurpose::new(&alphabet::STANDARD, LENIENT).decode(whole).ok()
}

pub(super) fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    for &byte in text {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b' ' | b'\n' | b'\t' | b'\r' => continue,
            _ => return None,
        };
        match high.take() {
            None => high = Some(digit),
            Some(first) => out.push(first << 4 | digit),
        }
    }
    high.is_none().then_some(out)
}

pub(super) fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for &byte in text {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a',
            b'2'..=b'7' => byte - b'2' + 26,
            b'=' => break,
            _ => return None,
        };
        bits = bits << 5 | u32::from(digit);
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(out)
}

/// `base64.b85decode`, and with `ascii` the older `a85decode`.
pub(super) fn base85(text: &[u8], ascii: bool) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
    let mut digits = Vec::with_capacity(text.len());
    for &byte in text {
        if byte.is_ascii_whitespace() {
            continue;
        }
        let digit = if ascii {
            if byte == b'z' && digits.len() % 5 == 0 {
                digits.extend([0; 5]);
                continue;
            }
            if !(b'!'..=b'u').contains(&byte) {
                return None;
            }
            byte - b'!'
        } else {
            u8::try_from(ALPHABET.iter().position(|&known| known == byte)?).ok()?
        };
        digits.push(digit);
    }
    let missing = (5 - digits.len() % 5) % 5;
    digits.extend(std::iter::repeat_n(84, missing));
    let mut out = Vec::with_capacity(digits.len());
    for group in digits.as_chunks::<5>().0 {
        let word = group.iter().fold(0u64, |word, &digit| word * 85 + u64::from(digit));
        out.extend(u32::try_from(word).ok()?.to_be_bytes());
    }
    out.truncate(out.len().saturating_sub(missing));
    Some(out)
}

pub(super) fn rot13(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'a'..='z' => char::from((c as u8 - b'a' + 13) % 26 + b'a'),
            'A'..='Z' => char::from((c as u8 - b'A' + 13) % 26 + b'A'),
            _ => c,
        })
        .collect()
}

/// zlib, gzip or bare deflate, at most `room` bytes of it; a broken stream gives what came before the break.
pub(super) fn inflate(data: &[u8], room: usize) -> Option<Vec<u8>> {
    let limit = room as u64;
    let mut out = Vec::new();
    // What an error leaves in `out` was decoded before it, which is as far as Python would not get: it is still evidence.
    let result = match data {
        [0x1f, 0x8b, ..] => GzDecoder::new(data).take(limit).read_to_end(&mut out),
        [first, ..] if first & 0x0f == 8 => ZlibDecoder::new(data).take(limit).read_to_end(&mut out),
        _ => DeflateDecoder::new(data).take(limit).read_to_end(&mut out),
    };
    (result.is_ok() || !out.is_empty()).then_some(out)
}

/// What can be read inside bytes that are no text, such as marshalled code: runs of printable characters.
pub(super) fn strings(data: &[u8]) -> String {
    let mut out = String::new();
    for run in data.split(|byte| !(b' '..=b'~').contains(byte)) {
        if run.len() >= 4 && out.len() < 65_536 {
            out.push_str(&String::from_utf8_lossy(run));
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoders_read_what_encoders_write() {
        assert_eq!(base64(b"aGVs\nbG8").as_deref(), Some(&b"hello"[..]));
        assert_eq!(base64(b"aGVsbG8=").as_deref(), Some(&b"hello"[..]));
        assert_eq!(base64(b"_-8").as_deref(), Some(&[0xff, 0xef][..]));
        assert_eq!(hex(b"6865 6c6c6f").as_deref(), Some(&b"hello"[..]));
        assert_eq!(hex(b"6"), None);
        assert_eq!(base32(b"NBSWY3DP").as_deref(), Some(&b"hello"[..]));
        assert_eq!(base85(b"Xk~0{Zv", false).as_deref(), Some(&b"hello"[..]));
        assert_eq!(base85(b"BOu!rDZ", true).as_deref(), Some(&b"hello"[..]));
        assert_eq!(rot13("vzcbeg bf"), "import os");
        assert_eq!(strings(b"\x00\x01curl\xffok"), "curl\n");
    }

    #[test]
    fn inflating_stops_where_the_room_ends() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut zlib, &vec![b'a'; 1 << 20]).expect("memory");
        let packed = zlib.finish().expect("memory");
        assert_eq!(inflate(&packed, 1_000).map(|out| out.len()), Some(1_000));
        assert_eq!(inflate(b"no stream at all", 1_000), None);
    }
}
