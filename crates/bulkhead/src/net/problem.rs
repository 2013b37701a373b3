//! The one place where a [`Problem`] becomes an HTTP answer.

use bulkhead_core::{Blame, Problem};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use hyper::ext::ReasonPhrase;

/// pip prints the reason phrase and nothing else, on one line of a terminal.
const MAX_REASON: usize = 118;

/// Renders with status, `application/problem+json` (exactly: uv compares it as it is) and a reason phrase.
pub fn render<B: From<Bytes>>(problem: &Problem) -> Response<B> {
    let body = serde_json::to_vec(&problem.to_json()).expect("invariant: a JSON value serialises");
    let mut response = Response::new(B::from(body.into()));
    let status = problem.code.status();
    *response.status_mut() = StatusCode::from_u16(status).expect("invariant: every code has a valid status");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == 401 {
        // pip and uv send a token as the password; they do so only when asked.
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"bulkhead\", charset=\"UTF-8\""));
    }
    if status == 503 {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    if let Ok(phrase) = ReasonPhrase::try_from(reason_phrase(problem)) {
        response.extensions_mut().insert(phrase);
    }
    response
}

/// `Blocked by Bulkhead: requests 9.9.9 is 3 hours old (intake-cooldown)`: printable ASCII, one line, short. Of a long
/// problem the end is cut, never the code.
pub fn reason_phrase(problem: &Problem) -> String {
    let speaker = if problem.code.blame() == Blame::Policy { "Blocked by Bulkhead" } else { "Bulkhead" };
    let code = format!(" ({})", printable(&problem.code.to_string()));
    let why = problem.detail.lines().next().filter(|why| !why.is_empty() && *why != problem.title);
    let same_noun = |why: &str| why.split(' ').next() == problem.title.split(' ').next();
    let text = match why {
        None => printable(&problem.title),
        // `x is held: x is 3 hours old` says the noun twice and has no room for it.
        Some(why) if same_noun(why) => printable(why),
        Some(why) => format!("{}: {}", printable(&problem.title), printable(why)),
    };
    let mut text = format!("{speaker}: {text}");
    let room = MAX_REASON.saturating_sub(code.len());
    if text.len() > room {
        text.truncate(room.saturating_sub(3));
        // At a word's end if there is one near; one endless word is cut anywhere.
        if let Some(space) = text.rfind(' ').filter(|space| space + 24 > text.len()) {
            text.truncate(space);
        }
        text.push_str("...");
    }
    text.push_str(&code);
    text.truncate(MAX_REASON);
    text
}

/// Printable ASCII alone: a reason phrase has no encoding, and CR or LF would end it.
fn printable(text: &str) -> String {
    let shown = text.chars().map(|char| if char.is_ascii_graphic() || char == ' ' { char } else { '?' });
    shown.collect::<String>().trim().to_owned()
}

/// Logs at the level that the blame deserves: an operator acts on storage and on bugs, watches upstream, and must not
/// drown in what clients and policy do all day (the ledger has that).
pub fn log(problem: &Problem, path: &str) {
    let (code, detail) = (&problem.code, &problem.detail);
    match problem.code.blame() {
        Blame::Client => tracing::debug!(%code, path, detail, "request refused"),
        Blame::Policy => tracing::info!(%code, path, detail, "refused by policy"),
        Blame::Upstream => tracing::warn!(%code, path, detail, "upstream failed"),
        Blame::Storage => tracing::error!(%code, path, detail, "storage failed"),
        Blame::Bug => tracing::error!(%code, path, detail, "bug"),
    }
}

#[cfg(test)]
mod tests;
