//! Byte ranges of files (RFC 9110, section 14): one range per request, everything else gets the whole file.

use std::ops::Range;

use bulkhead_core::{Code, Problem};
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::body::Body;
use super::problem;

/// Which part of a file a request wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of it: 200.
    Whole,
    /// This part, never empty: 206.
    Part(Range<u64>),
    /// A part that does not exist: 416.
    Unsatisfiable,
}

/// Reads `Range` and `If-Range`. A header that is malformed, in another unit, or of several ranges is ignored, as
/// section 14.2 allows; an `If-Range` that is not exactly our strong ETag asks for the whole.
pub fn select(headers: &HeaderMap, length: u64, etag: &HeaderValue) -> Selection {
    let mut ranges = headers.get_all(RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Selection::Whole };
    if headers.get(IF_RANGE).is_some_and(|expected| expected != etag || expected.as_bytes().starts_with(b"W/")) {
        return Selection::Whole;
    }
    range.to_str().ok().and_then(|text| parse(text, length)).unwrap_or(Selection::Whole)
}

fn parse(text: &str, length: u64) -> Option<Selection> {
    let (unit, set) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let part = match (first, last) {
        (None, None) => return None,
        // The last N bytes; of a shorter file, all.
        (None, Some(suffix)) => length.saturating_sub(suffix)..length,
        (Some(first), None) => first..length,
        (Some(first), Some(last)) if last < first => return None,
        (Some(first), Some(last)) => first..length.min(last.saturating_add(1)),
    };
    Some(if part.is_empty() { Selection::Unsatisfiable } else { Selection::Part(part) })
}

/// Digits, or nothing at all; a number too large for any file counts as the largest.
fn number(text: &str) -> Option<Option<u64>> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((!text.is_empty()).then(|| text.parse().unwrap_or(u64::MAX)))
}

/// The answer to a GET or HEAD of a file: 200, 206 or 416. `open` makes the body of the part that is sent.
///
/// For HEAD the same answer serves: the server sends its headers alone.
pub fn respond(
    headers: &HeaderMap,
    content_type: HeaderValue,
    length: u64,
    etag: HeaderValue,
    open: impl FnOnce(Range<u64>) -> Body,
) -> Response<Body> {
    let (status, part) = match select(headers, length, &etag) {
        Selection::Whole => (StatusCode::OK, 0..length),
        Selection::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Selection::Unsatisfiable => {
            let wrong = Problem::new(Code::RangeNotSatisfiable, format!("the file has {length} bytes"));
            let mut response = problem::render(&wrong);
            response.headers_mut().insert(CONTENT_RANGE, text(format!("bytes */{length}")));
            return response;
        }
    };
    let sent = part.end - part.start;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let out = response.headers_mut();
    out.insert(CONTENT_TYPE, content_type);
    out.insert(CONTENT_LENGTH, sent.into());
    out.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(ETAG, etag);
    if status == StatusCode::PARTIAL_CONTENT {
        out.insert(CONTENT_RANGE, text(format!("bytes {}-{}/{length}", part.start, part.end - 1)));
    }
    *response.body_mut() = open(part);
    response
}

fn text(value: String) -> HeaderValue {
    HeaderValue::try_from(value).expect("invariant: digits and ASCII words")
}

#[cfg(test)]
mod tests;
