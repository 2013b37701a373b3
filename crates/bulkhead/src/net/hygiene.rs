//! Refuses ambiguous requests before a route sees them: shapes that two HTTP readers could read in two ways.
//!
//! hyper already refuses malformed request lines, header names and values, differing `Content-Length`s and a
//! `Transfer-Encoding` that does not end in `chunked`. When both lengths are given it keeps only the chunked one, so that
//! case cannot be seen here; the answer to it is that a connection ends after any chunked request
//! ([`must_close`]): whatever was smuggled behind it is never read as a request. (RFC 9112, sections 3.2 and 6.1.)

use bulkhead_core::{Code, Problem};
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{Method, Request, Version};

/// Longer targets are no package client's.
const MAX_TARGET: usize = 8 << 10;

/// Judges a request's shape.
///
/// # Errors
/// The problem to answer with; the connection must then be closed.
pub fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    let wrong = |detail: &str| Err(Problem::new(Code::BadRequest, detail));
    target(request)?;
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().filter(|host| is_host(host)),
        (None, _) if request.version() < Version::HTTP_11 => Some(""),
        (None, _) => return wrong("a request without a Host header"),
        (Some(_), Some(_)) => return wrong("a request with several Host headers"),
    };
    let Some(host) = host else { return wrong("a Host header that is not a host") };
    if let Some(authority) = request.uri().authority()
        && !authority.as_str().eq_ignore_ascii_case(host)
    {
        return Err(Problem::new(Code::BadRequest, "a request for another host than its Host header names")
            .with_help("Bulkhead is a registry, not a forward proxy: set it as the index URL"));
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) && has_body(request) {
        return wrong("a GET or HEAD with a body");
    }
    Ok(())
}

/// Whether the connection must end after this request, because the request's end may be disputed.
pub fn must_close<B>(request: &Request<B>) -> bool {
    request.headers().contains_key(TRANSFER_ENCODING)
}

fn target<B>(request: &Request<B>) -> Result<(), Problem> {
    if request.method() == Method::CONNECT {
        return Err(Problem::new(Code::MethodNotAllowed, "CONNECT is not offered here")
            .with_help("Bulkhead is a registry, not a forward proxy: set it as the index URL"));
    }
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    if target.len() > MAX_TARGET {
        return Err(Problem::new(Code::BadPath, format!("a path longer than {MAX_TARGET} bytes")));
    }
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::new(Code::BadPath, "a path with bytes that belong percent-encoded"));
    }
    Ok(())
}

fn is_host(host: &str) -> bool {
    let shape = host.parse::<http::uri::Authority>().is_ok_and(|authority| !authority.host().is_empty());
    shape && !host.contains('@')
}

fn has_body<B>(request: &Request<B>) -> bool {
    let length = request.headers().get(CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || request.headers().contains_key(TRANSFER_ENCODING)
}
