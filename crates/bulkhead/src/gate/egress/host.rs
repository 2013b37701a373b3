//! The name of a host, in the one spelling that rules are compared with.
//!
//! Every way around a list of allowed hosts begins with two readers of one name: a trailing dot, brackets, a NUL, percent
//! signs, a number that some resolver takes for an address. So a name exists only in its canonical spelling, and what has
//! no canonical spelling is no name.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host: a name of the DNS in lower case without the final dot, or an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name (RFC 1123, as A-labels: what is not ASCII travels in its `xn--` form).
    Name(String),
    /// An address, written by the client instead of a name.
    Address(IpAddr),
}

/// The text is no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing there.
    #[error("the host is empty")]
    Empty,
    /// Longer than a name can be (RFC 1035, 2.3.4).
    #[error("the host has a label above 63 or is above 253 characters")]
    Long,
    /// A character that no host name has: NUL, percent, blanks, `@`, letters beyond ASCII.
    #[error("the host has a character that no host name has")]
    Character,
    /// Two dots in a row, a hyphen at the edge of a label, brackets that do not hold an address.
    #[error("the host is not well formed")]
    Shape,
    /// A number that some readers take for an address and others do not: `127.1`, `0x7f000001`, `2130706433`.
    #[error("the host ends in a number and is not four decimal numbers")]
    Number,
}

impl Host {
    /// Reads a host as it stands in a URL, a `Host` header, a `CONNECT` line, a DNS question or a TLS hello.
    ///
    /// # Errors
    /// [`HostError`] when there is no canonical spelling of it.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if let Some(rest) = text.strip_prefix('[') {
            let inner = rest.strip_suffix(']').ok_or(HostError::Shape)?;
            // No zone: `%eth0` means something on this machine only.
            let address: Ipv6Addr = inner.parse().map_err(|_| HostError::Shape)?;
            return Ok(Self::Address(unmapped(IpAddr::V6(address))));
        }
        if text.contains(':') {
            let address: Ipv6Addr = text.parse().map_err(|_| HostError::Character)?;
            return Ok(Self::Address(unmapped(IpAddr::V6(address))));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(HostError::Empty);
        }
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) {
            return Err(HostError::Character);
        }
        if name.len() > 253 {
            return Err(HostError::Long);
        }
        for label in name.split('.') {
            if label.len() > 63 {
                return Err(HostError::Long);
            }
            if label.is_empty() || label.starts_with('-') || label.ends_with('-') {
                return Err(HostError::Shape);
            }
        }
        if ends_in_number(name) {
            // Rust's parser takes four decimal numbers without leading zeros and nothing else.
            let address: Ipv4Addr = name.parse().map_err(|_| HostError::Number)?;
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        Ok(Self::Name(name.to_ascii_lowercase()))
    }

    /// Splits `host:port` or `[address]:port`, as `CONNECT` and `Host` have it.
    ///
    /// # Errors
    /// [`HostError`] when either part is not one.
    pub fn parse_authority(text: &str, default_port: Option<u16>) -> Result<(Self, u16), HostError> {
        let (host, port) = match text.rfind(':') {
            Some(at) if !text[at..].contains(']') => (&text[..at], Some(&text[at + 1..])),
            _ => (text, None),
        };
        // Without brackets a second colon belongs to nobody.
        if port.is_some() && host.contains(':') && !host.starts_with('[') {
            return Err(HostError::Shape);
        }
        let port = match port {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port != 0).ok_or(HostError::Shape)?
            }
            Some(_) => return Err(HostError::Shape),
            None => default_port.ok_or(HostError::Shape)?,
        };
        Ok((Self::parse(host)?, port))
    }

    /// The name, when it is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Address(_) => None,
        }
    }

    /// Whether a pattern of the policy means this host: the name itself, `*.name` for what is below it, or an address.
    pub fn matches(&self, pattern: &str) -> bool {
        match (pattern.strip_prefix("*."), self) {
            (Some(parent), Self::Name(name)) => Self::parse(parent).is_ok_and(|parent| {
                let suffix = parent.name().map(|parent| format!(".{parent}"));
                suffix.is_some_and(|suffix| name.ends_with(&suffix))
            }),
            (Some(_), Self::Address(_)) => false,
            (None, host) => Self::parse(pattern).is_ok_and(|pattern| pattern == *host),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// `::ffff:127.0.0.1` is 127.0.0.1 to every kernel, so it is to the rules.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Whether the last label is a number to some reader (WHATWG URL, "ends in a number").
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hexadecimal = last.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("0x"))
        && last[2..].bytes().all(|byte| byte.is_ascii_hexdigit());
    last.bytes().all(|byte| byte.is_ascii_digit()) || hexadecimal
}

#[cfg(test)]
mod tests;
