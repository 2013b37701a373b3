//! URLs: resolving a link against the page that holds it, comparing origins, showing one without its secrets.

use http::Uri;

/// A link that leads nowhere usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not `http` or `https`.
    #[error("a link with the scheme `{0}`, where http or https is wanted")]
    Scheme(String),
    /// The text is not a URL reference.
    #[error("a link that is not a URL")]
    Shape,
    /// `user:password@` inside a link: credentials come from configuration, never from a page.
    #[error("a link with credentials in it")]
    Credentials,
}

/// Resolves a reference against an absolute URL (RFC 3986, section 5.2). The fragment is dropped.
///
/// # Errors
/// [`LinkError`] when the result is not an absolute `http(s)` URL without user information.
pub fn resolve(base: &Uri, reference: &str) -> Result<Uri, LinkError> {
    let reference = reference.trim_ascii().split('#').next().unwrap_or_default();
    let (scheme, authority) = (base.scheme_str().ok_or(LinkError::Shape)?, base.authority().ok_or(LinkError::Shape)?);
    let text = if let Some(scheme) = scheme_of(reference) {
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => reference.to_owned(),
            other => return Err(LinkError::Scheme(other.to_owned())),
        }
    } else if reference.starts_with("//") {
        format!("{scheme}:{reference}")
    } else {
        let (path, query) = match reference.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (reference, None),
        };
        let path = match path {
            "" => base.path().to_owned(),
            absolute if absolute.starts_with('/') => remove_dot_segments(absolute),
            relative => {
                let folder = base.path().rfind('/').map_or("/", |slash| &base.path()[..=slash]);
                remove_dot_segments(&format!("{folder}{relative}"))
            }
        };
        let query = query.or(if reference.is_empty() { base.query() } else { None });
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("{scheme}://{authority}{path}{query}")
    };
    let uri: Uri = text.parse().map_err(|_| LinkError::Shape)?;
    check(&uri)?;
    Ok(uri)
}

/// Whether an absolute URL can be fetched at all.
pub(super) fn check(uri: &Uri) -> Result<(), LinkError> {
    match uri.scheme_str() {
        Some("http" | "https") => {}
        other => return Err(LinkError::Scheme(other.unwrap_or_default().to_owned())),
    }
    let authority = uri.authority().ok_or(LinkError::Shape)?;
    if authority.as_str().contains('@') {
        return Err(LinkError::Credentials);
    }
    let port_good = authority.as_str().len() == authority.host().len() || authority.port_u16().is_some();
    if authority.host().is_empty() || !port_good { Err(LinkError::Shape) } else { Ok(()) }
}

/// The part before `:` when it is a scheme and not a path segment with a colon.
fn scheme_of(reference: &str) -> Option<&str> {
    let (scheme, _) = reference.split_once(':')?;
    let first = scheme.bytes().next()?.is_ascii_alphabetic();
    let rest = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    (first && rest).then_some(scheme)
}

/// RFC 3986, section 5.2.4, for a path that starts with a slash.
fn remove_dot_segments(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    for (index, segment) in segments.iter().enumerate() {
        let last = index + 1 == segments.len();
        match *segment {
            "." | ".." => {
                if *segment == ".." {
                    out.pop();
                }
                if last {
                    out.push("");
                }
            }
            plain => out.push(plain),
        }
    }
    format!("/{}", out.join("/"))
}

/// The host for comparing: lower case, no trailing dot, brackets kept.
pub fn host(uri: &Uri) -> Option<String> {
    Some(uri.host()?.trim_end_matches('.').to_ascii_lowercase()).filter(|host| !host.is_empty())
}

/// The port, stated or by scheme.
pub fn port(uri: &Uri) -> u16 {
    uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 })
}

/// Whether both have the same scheme, host and port.
pub fn same_origin(left: &Uri, right: &Uri) -> bool {
    left.scheme_str() == right.scheme_str() && host(left) == host(right) && port(left) == port(right)
}

/// The URL for people and logs: without user information, and without the query, which may be a signature.
pub fn shown(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let query = if uri.query().is_some() { "?..." } else { "" };
    format!("{}://{authority}{}{query}", uri.scheme_str().unwrap_or("http"), uri.path())
}

#[cfg(test)]
mod tests;
