//! From a link on a page to the address it means (RFC 3986, section 5.2), for `http` and `https` only.
//!
//! Stricter than the RFC where readers are known to disagree: no user information, no backslash, no character that
//! would need encoding, no dot segment hidden by percent-encoding.

use std::borrow::Cow;
use std::fmt;

use http::Uri;

/// Longer than signed links in use, shorter than what servers refuse.
const LONGEST: usize = 8192;

/// An absolute `http` or `https` address, without user information and without fragment.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileUrl(Box<str>);

/// The link does not lead to an address that can be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The link is empty: it would lead to the page itself.
    #[error("the link is empty")]
    Empty,
    /// The link is too long.
    #[error("the link is longer than 8192 bytes")]
    TooLong,
    /// A character that a link must percent-encode, or that readers disagree about.
    #[error("the link contains a character that links must not contain")]
    Character,
    /// `%` without two hexadecimal digits, or with those of a control character or of a hidden dot segment.
    #[error("the link is percent-encoded wrongly")]
    Encoding,
    /// Not `http` or `https`.
    #[error("the link has a scheme other than http and https")]
    Scheme,
    /// No host, user information before it, or no port number behind it.
    #[error("the link names no host, or carries user information")]
    Authority,
    /// The page's own address is not one that links can be resolved against.
    #[error("the page's own address is not absolute http or https")]
    Base,
}

impl FileUrl {
    /// The address as text: lower-case scheme and host.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address as the HTTP client takes it.
    pub fn to_uri(&self) -> Uri {
        self.0.parse().expect("invariant: the characters and lengths allowed here are a part of those of `Uri`")
    }

    /// The last segment of the path, still percent-encoded.
    pub(super) fn last_segment(&self) -> &str {
        let path = self.0.split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for FileUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FileUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileUrl({self})")
    }
}

/// What links of one page are resolved against.
#[derive(Debug, Clone)]
pub(super) struct Base {
    /// `http` or `https`.
    scheme: &'static str,
    authority: String,
    path: String,
}

impl Base {
    /// The page's own address.
    pub(super) fn of_page(page: &Uri) -> Result<Self, ReferenceError> {
        let scheme = page.scheme_str().and_then(known_scheme).ok_or(ReferenceError::Base)?;
        let authority = page.authority().ok_or(ReferenceError::Base)?.as_str();
        // Credentials of an upstream belong to its configuration, and would otherwise be copied into every file's address.
        let authority = authority.rsplit('@').next().unwrap_or(authority);
        let authority = checked_authority(authority).map_err(|_| ReferenceError::Base)?.into_owned();
        let path = if page.path().is_empty() { "/" } else { page.path() };
        Ok(Self { scheme, authority, path: path.to_owned() })
    }

    /// The base that the page itself names (`<base href>`), which may be relative.
    pub(super) fn rebased(&self, href: &str) -> Result<Self, ReferenceError> {
        let (url, _) = self.resolve(href)?;
        Self::of_page(&url.to_uri())
    }

    /// The address that a link means, and its fragment (without `#`), which is never part of the address.
    pub(super) fn resolve<'a>(&self, link: &'a str) -> Result<(FileUrl, Option<&'a str>), ReferenceError> {
        // The URL standard of browsers drops surrounding white space, and generated pages have it.
        let link = link.trim_matches([' ', '\t', '\n', '\r', '\u{c}']);
        let (link, fragment) = match link.split_once('#') {
            Some((link, fragment)) => (link, Some(fragment)),
            None => (link, None),
        };
        check_characters(link)?;
        let url = self.transform(link)?;
        if url.len() > LONGEST {
            return Err(ReferenceError::TooLong);
        }
        Ok((FileUrl(url.into_boxed_str()), fragment))
    }

    /// RFC 3986, section 5.2.2.
    fn transform(&self, link: &str) -> Result<String, ReferenceError> {
        let (scheme, rest) = split_scheme(link);
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        if let Some(scheme) = scheme {
            let scheme = known_scheme(scheme).ok_or(ReferenceError::Scheme)?;
            let rest = rest.strip_prefix("//").ok_or(ReferenceError::Authority)?;
            return with_authority(scheme, rest, query);
        }
        if let Some(rest) = rest.strip_prefix("//") {
            return with_authority(self.scheme, rest, query);
        }
        let path = match rest {
            "" => Cow::Borrowed(self.path.as_str()),
            rest if rest.starts_with('/') => without_dot_segments(rest),
            rest => Cow::Owned(without_dot_segments(&self.merged(rest)).into_owned()),
        };
        Ok(recomposed(self.scheme, &self.authority, &path, query))
    }

    /// RFC 3986, section 5.2.3: the base's path up to its last slash, then the link.
    fn merged(&self, path: &str) -> String {
        let folder = self.path.rfind('/').map_or("/", |last| &self.path[..=last]);
        format!("{folder}{path}")
    }
}

fn with_authority(scheme: &str, rest: &str, query: Option<&str>) -> Result<String, ReferenceError> {
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { Cow::Borrowed("/") } else { without_dot_segments(path) };
    Ok(recomposed(scheme, &checked_authority(authority)?, &path, query))
}

fn recomposed(scheme: &str, authority: &str, path: &str, query: Option<&str>) -> String {
    let mut url = String::with_capacity(scheme.len() + authority.len() + path.len() + 3 + query.map_or(0, str::len));
    url.extend([scheme, "://", authority, path]);
    if let Some(query) = query {
        url.extend(["?", query]);
    }
    url
}

/// RFC 3986, section 5.2.4, for a path that begins with a slash.
fn without_dot_segments(path: &str) -> Cow<'_, str> {
    // Almost every link of an index has none.
    if !path.contains("/.") {
        return Cow::Borrowed(path);
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_in_folder = false;
    for segment in path.split('/').skip(1) {
        ends_in_folder = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in kept {
        out.push('/');
        out.push_str(segment);
    }
    if ends_in_folder || out.is_empty() {
        out.push('/');
    }
    Cow::Owned(out)
}

fn split_scheme(link: &str) -> (Option<&str>, &str) {
    match link.find([':', '/', '?']) {
        Some(at) if link.as_bytes()[at] == b':' => (Some(&link[..at]), &link[at + 1..]),
        _ => (None, link),
    }
}

fn known_scheme(scheme: &str) -> Option<&'static str> {
    ["https", "http"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme))
}

/// A host and perhaps a port, lower case.
fn checked_authority(authority: &str) -> Result<Cow<'_, str>, ReferenceError> {
    let after_literal = match authority.strip_prefix('[') {
        Some(literal) => literal.split_once(']').ok_or(ReferenceError::Authority)?.1,
        None => authority,
    };
    let (host_rest, port) = match after_literal.split_once(':') {
        Some((rest, port)) => (rest, Some(port)),
        None => (after_literal, None),
    };
    let is_literal = authority.starts_with('[');
    let host_good = if is_literal {
        let literal = &authority[1..authority.len() - after_literal.len() - 1];
        host_rest.is_empty() && literal.parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        !host_rest.is_empty()
            && host_rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
    };
    let port_good = port.is_none_or(|port| {
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
    });
    if !host_good || !port_good {
        return Err(ReferenceError::Authority);
    }
    let lower = !authority.bytes().any(|byte| byte.is_ascii_uppercase());
    Ok(if lower { Cow::Borrowed(authority) } else { Cow::Owned(authority.to_ascii_lowercase()) })
}

/// RFC 3986, appendix A: what may stand in a reference. Backslashes, controls and spaces may not.
fn check_characters(link: &str) -> Result<(), ReferenceError> {
    if link.is_empty() {
        return Err(ReferenceError::Empty);
    }
    if link.len() > LONGEST {
        return Err(ReferenceError::TooLong);
    }
    let bytes = link.as_bytes();
    if !bytes.iter().all(|byte| ALLOWED[usize::from(*byte)]) {
        return Err(ReferenceError::Character);
    }
    let mut encoded = false;
    for (at, _) in link.match_indices('%') {
        encoded = true;
        let digits = bytes.get(at + 1..at + 3).ok_or(ReferenceError::Encoding)?;
        let control = matches!(digits[0], b'0' | b'1') || digits.eq_ignore_ascii_case(b"7f");
        if control || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(ReferenceError::Encoding);
        }
    }
    if encoded {
        let path = link.split('?').next().unwrap_or_default();
        let hidden = path.split('/').any(|segment| {
            segment.contains('%') && matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
        });
        if hidden {
            return Err(ReferenceError::Encoding);
        }
    }
    Ok(())
}

/// A table, because every byte of every link of a page passes here.
const ALLOWED: [bool; 256] = {
    let mut table = [false; 256];
    let others = b"-._~:/?[]@!$&'()*+,;=%";
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};
