//! Heads and bodies as the other side gets them.

use bulkhead_core::{Code, Problem};
use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, SET_COOKIE,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::super::broker::{Given, Minter, Scrubber};
use super::super::host::Host;
use super::body::{Pending, Scrubbed};
use super::minted::Minting;
use super::request::Body;

/// Whether two readers of the head could see the body end at different places (RFC 9112, 6.1 and 11.2); in words.
pub(super) fn two_lengths(headers: &HeaderMap) -> Option<&'static str> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let (coding, lengths) = (codings.next(), headers.get_all(CONTENT_LENGTH).iter().count());
    match coding {
        Some(_) if lengths > 0 => Some("its request has a Content-Length and a Transfer-Encoding"),
        Some(coding) if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            Some("its request has a Transfer-Encoding that is not just chunked")
        }
        _ if lengths > 1 => Some("its request has more than one Content-Length"),
        _ => None,
    }
}

/// Headers that are between two neighbours only (RFC 9110, 7.6.1), and what a proxy is told.
const HOP: [HeaderName; 6] = [
    CONNECTION,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("te"),
];

/// The request as the host gets it: origin form, its own Host, nothing that was meant for the proxy.
pub(super) fn prepare(
    request: &mut Request<Pending>,
    host: &Host,
    port: u16,
    scheme: &str,
    target: &str,
    scrubbed: bool,
) -> Result<(), Problem> {
    let wrong = |what: &str| Problem::new(Code::BadRequest, what.to_owned());
    *request.uri_mut() = target.parse::<Uri>().map_err(|_| wrong("a path that cannot be sent on"))?;
    *request.version_mut() = http::Version::HTTP_11;
    let headers = request.headers_mut();
    // Fields that Connection names are between neighbours too.
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
        .collect();
    for name in HOP.iter().chain(&named) {
        headers.remove(name);
    }
    let default = if scheme == "https" { 443 } else { 80 };
    let name = if port == default { host.to_string() } else { format!("{host}:{port}") };
    headers.insert(HOST, HeaderValue::try_from(name).map_err(|_| wrong("a host that cannot be sent on"))?);
    if scrubbed {
        // What is packed cannot be scrubbed without unpacking it.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    Ok(())
}

/// Headers whose value is a new credential (OpenStack, Vault).
const MINTED: [&str; 4] = ["authorization", "x-auth-token", "x-subject-token", "x-vault-token"];

/// The answer as the run gets it. `minting` when the request carried a secret.
pub(super) fn finish(
    response: Response<Incoming>,
    method: &Method,
    given: &Given,
    minting: Option<Minting>,
) -> Result<Response<Body>, Problem> {
    let (mut parts, body) = response.into_parts();
    for name in &HOP {
        parts.headers.remove(name);
    }
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Problem::new(Code::UpstreamMalformed, "the host switches to a protocol that was not asked for"));
    }
    if given.needles.is_empty() {
        return Ok(Response::from_parts(parts, body.map_err(Into::into).boxed()));
    }
    let mut scrubber = Scrubber::new(given.needles.clone());
    for value in parts.headers.values_mut() {
        if let Some(clean) = scrubber.whole(value.as_bytes()) {
            *value = HeaderValue::from_bytes(&clean).unwrap_or(HeaderValue::from_static("[scrubbed]"));
        }
    }
    let packed = parts.headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    // What has no body is packed in name only.
    let empty = method == Method::HEAD || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let gzip = match packed.as_deref() {
        _ if empty => false,
        None | Some(b"identity") => false,
        Some(b"gzip" | b"x-gzip") => true,
        Some(other) => {
            let other = String::from_utf8_lossy(other).into_owned();
            return Err(Problem::new(
                Code::UpstreamMalformed,
                format!(
                    "the host packed its answer as {other} although it was asked not to, so it cannot be scrubbed of the secret"
                ),
            ));
        }
    };
    if gzip {
        parts.headers.remove(CONTENT_ENCODING);
        parts.headers.remove(CONTENT_LENGTH);
    }
    let minter = minting.and_then(|minting| minted(&mut parts.headers, minting));
    Ok(Response::from_parts(parts, Scrubbed::new(body, scrubber, minter, gzip).boxed()))
}

/// New credentials in an answer's head, and what looks for them in its body.
fn minted(headers: &mut HeaderMap, mut minting: Minting) -> Option<Minter> {
    for name in MINTED {
        let Some(value) = headers.remove(name) else { continue };
        let made = value.to_str().ok().and_then(|value| minting.make(name, value));
        let made = made.and_then(|made| HeaderValue::try_from(made).ok());
        headers.insert(HeaderName::from_static(name), made.unwrap_or(HeaderValue::from_static("[withheld]")));
    }
    // Cookies pass: programs send them back by themselves, and services that set one with every answer mean none by it. What
    // may be a session is named.
    for cookie in headers.get_all(SET_COOKIE) {
        let name = cookie.as_bytes().split(|byte| *byte == b'=').next().unwrap_or_default();
        minting.named(&format!("cookie {}", name.escape_ascii()));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    Minter::new(kind.as_deref(), Box::new(move |field, value| minting.make(field, value)))
}
