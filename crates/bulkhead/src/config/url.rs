//! An index URL as people write it: credentials taken out, trailing slash added.

use bulkhead_core::Secret;
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// The text is not the URL of an index. The message never repeats the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Neither `http://` nor `https://`.
    #[error("is not an http:// or https:// URL")]
    Scheme,
    /// Host, port or path cannot be read.
    #[error("is not a URL: host, port or path cannot be read")]
    Shape,
    /// The user information is not valid percent-encoding.
    #[error("has credentials that are not valid percent-encoded UTF-8")]
    Credentials,
}

/// Reads an index URL: lower-case host, trailing slash, no query, no fragment; `user:password` apart, decoded.
///
/// # Errors
/// [`UrlError`], which never holds the text.
pub fn index_url(text: &str) -> Result<(Uri, Option<Secret>), UrlError> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => Scheme::HTTP,
        "https" => Scheme::HTTPS,
        _ => return Err(UrlError::Scheme),
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    };
    let (userinfo, host) = match authority.rsplit_once('@') {
        Some((userinfo, host)) => (Some(userinfo), host),
        None => (None, authority),
    };
    let authority: Authority = host.to_ascii_lowercase().parse().map_err(|_| UrlError::Shape)?;
    // `http` accepts `host:` and `host:99999` as an authority; neither can be dialled.
    let bare = authority.host();
    let port_good = authority.as_str().len() == bare.len() || authority.port_u16().is_some();
    if bare.is_empty() || !port_good {
        return Err(UrlError::Shape);
    }
    let path = if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
    let path: PathAndQuery = path.parse().map_err(|_| UrlError::Shape)?;
    let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build();
    let credentials = userinfo.filter(|text| !text.is_empty()).map(decode_userinfo).transpose()?;
    Ok((uri.map_err(|_| UrlError::Shape)?, credentials))
}

/// `user:password`, each percent-decoded; a user alone gets an empty password, as pip does with tokens.
fn decode_userinfo(text: &str) -> Result<Secret, UrlError> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    Ok(Secret::new(format!("{}:{}", percent_decode(user)?, percent_decode(password)?)))
}

fn percent_decode(text: &str) -> Result<String, UrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(UrlError::Credentials) };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| UrlError::Credentials)?);
    }
    let text = String::from_utf8(bytes).map_err(|_| UrlError::Credentials)?;
    if text.chars().any(char::is_control) { Err(UrlError::Credentials) } else { Ok(text) }
}
