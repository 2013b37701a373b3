//! Content encodings of answers: gzip or nothing.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// Whether the client takes gzip at least as gladly as the plain form (RFC 9110, section 12.5.3).
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut star, mut identity) = (None, None, None);
    let fields = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for coding in fields.flat_map(|value| value.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            // A weight that cannot be read is a coding that is not wanted.
            .map_or(1.0, |text| text.parse::<f32>().unwrap_or(0.0));
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "*" => star = Some(weight),
            "identity" => identity = Some(weight),
            _ => {}
        }
    }
    let gzip = gzip.or(star).unwrap_or(0.0);
    gzip > 0.0 && identity.is_none_or(|identity| gzip >= identity)
}

/// Compresses at the fastest level: between machines that are near each other more CPU costs more than the bytes that it
/// saves. Blocks; pages of megabytes belong off the async threads.
pub fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes).expect("invariant: a Vec takes every byte");
    encoder.finish().expect("invariant: a Vec takes every byte").into()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn gzip_is_chosen_when_it_is_wanted() {
        let table = [
            ("gzip", true),
            ("gzip, deflate, zstd", true),
            ("GZIP;q=0.5", true),
            ("br, *;q=0.1", true),
            ("deflate", false),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("*;q=0, gzip", true),
            ("identity", false),
            ("identity;q=1, gzip;q=0.5", false),
            ("gzip;q=nonsense", false),
            ("", false),
        ];
        for (sent, expected) in table {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(sent))]);
            assert_eq!(accepts_gzip(&headers), expected, "{sent}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn what_is_compressed_comes_back() {
        use std::io::Read;
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(gzip(b"hello hello").as_ref()).read_to_end(&mut out).unwrap();
        assert_eq!(out, b"hello hello");
    }
}
