//! The token that a request carries. It names the principal of every entry; on loopback one may go without.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_core::{Code, Problem};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::store::TokenText;

/// The token that a request carries: as a bearer (RFC 6750), or as the password of basic authentication (RFC 7617), which
/// is how pip and uv send the credentials of an index address.
///
/// # Errors
/// When there is an Authorization header that holds no token: a client that means to say who it is must not pass as
/// nobody.
pub fn token(headers: &HeaderMap) -> Result<Option<TokenText>, Problem> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let (scheme, rest) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unreadable)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return TokenText::parse(rest.trim()).map(Some).map_err(|_| unreadable());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unreadable());
    }
    let decoded = STANDARD.decode(rest.trim()).map_err(|_| unreadable())?;
    let pair = String::from_utf8(decoded).map_err(|_| unreadable())?;
    let (user, password) = pair.split_once(':').ok_or_else(unreadable)?;
    // `https://TOKEN@host/` puts the token into the user name and leaves the password empty.
    let text = if password.is_empty() { user } else { password };
    TokenText::parse(text).map(Some).map_err(|_| unreadable())
}

fn unreadable() -> Problem {
    Problem::new(Code::TokenRefused, "the Authorization header holds no Bulkhead token")
        .with_help("send the token as bearer, or as the password of the index address; on loopback, or send none")
}

/// The token is not known.
pub fn refused() -> Problem {
    Problem::new(Code::TokenRefused, "the token is not known here, has expired or was revoked")
        .with_help("ask for a new one: bulkhead token create --for NAME")
}

/// There is no token, and the client is not on this machine.
pub fn required() -> Problem {
    Problem::new(Code::TokenRequired, "this address answers only to clients that show a token")
        .with_help("bulkhead token create --for NAME, then use it as the password of the index address")
}

#[cfg(test)]
mod tests;
