//! Conditional requests (RFC 9110, section 13): whether the client already has what it asks for.

use http::header::{ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::body::Body;

/// Whether `If-None-Match` names this ETag (weak comparison, section 13.1.2).
pub fn client_has(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let own = opaque(etag.as_bytes());
    headers.get_all(IF_NONE_MATCH).iter().any(|value| {
        let value = value.as_bytes().trim_ascii();
        value == b"*" || tags(value).any(|tag| tag == own)
    })
}

/// 304 with the headers that a cache needs. Without the ETag uv fetches the whole page again.
pub fn not_modified(etag: HeaderValue, vary: Option<HeaderValue>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(ETAG, etag);
    if let Some(vary) = vary {
        response.headers_mut().insert(VARY, vary);
    }
    response
}

/// The tag without the mark of weakness.
fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// The quoted tags of a list. A tag may hold commas, so the list is not split at them.
fn tags(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let open = rest.iter().position(|byte| *byte == b'"')?;
        let length = rest.get(open + 1..)?.iter().position(|byte| *byte == b'"')?;
        let tag = &rest[open..open + length + 2];
        rest = &rest[open + length + 2..];
        Some(tag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_what_it_names() {
        let etag = HeaderValue::from_static("\"a,b\"");
        let table = [
            ("\"a,b\"", true),
            ("W/\"a,b\"", true),
            ("\"x\", W/\"a,b\"", true),
            ("*", true),
            ("\"a\"", false),
            ("a,b", false),
            ("\"a,b", false),
            ("", false),
        ];
        for (sent, expected) in table {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(sent))]);
            assert_eq!(client_has(&headers, &etag), expected, "{sent}");
        }
        assert!(!client_has(&HeaderMap::new(), &etag));
    }

    #[test]
    fn a_weak_tag_of_ours_is_found_too() {
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static("\"x\""))]);
        assert!(client_has(&headers, &HeaderValue::from_static("W/\"x\"")));
    }

    #[test]
    fn a_304_carries_its_etag() {
        let response = not_modified(HeaderValue::from_static("\"x\""), Some(HeaderValue::from_static("Accept")));
        assert_eq!(response.status(), 304);
        assert_eq!(response.headers()[ETAG], "\"x\"");
        assert_eq!(response.headers()[VARY], "Accept");
    }
}
