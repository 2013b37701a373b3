//! Where an index page may send Bulkhead: server-side request forgery, refused by address.
//!
//! An index page is written by strangers, and Bulkhead stands inside the company's network. The rule, from the issue: a
//! link is followed over the upstream's own scheme (or https), and only to the upstream's host, to a host that
//! `bulkhead.toml` lists, or to a public address. The upstream's own address is trusted whatever its range (a corporate
//! mirror on a private address), also under another host name (file hosts behind the same front).
//!
//! Names are judged before a request ([`LinkRule::standing`]), addresses when the connection is made, on the very
//! addresses that are then dialled, so that a name which resolves differently the second time gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

use super::link;

/// Which links of one upstream may be followed.
#[derive(Debug, Clone)]
pub struct LinkRule {
    https: bool,
    host: String,
    listed: Vec<(String, Option<u16>)>,
}

/// What is still to be checked about a link's host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The upstream's host, or a listed one: any address.
    Trusted,
    /// Any other: the address decides.
    ByAddress,
}

/// A link that is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefused {
    /// From https down to http, or to something that is neither.
    #[error("it leads from https to http")]
    Downgrade,
    /// The link itself is unusable.
    #[error("it is {0}")]
    Link(#[from] link::LinkError),
    /// The host resolves only to addresses that pages may not lead to.
    #[error("{host} is at {address}, which is {class}")]
    Address {
        /// The host.
        host: String,
        /// One of its addresses.
        address: IpAddr,
        /// What kind of address that is.
        class: &'static str,
    },
}

impl LinkRule {
    /// The rule for an upstream; `hosts` are `host` or `host:port`, trusted like it.
    pub fn new(upstream: &Uri, hosts: &[String]) -> Self {
        let listed = hosts.iter().filter_map(|text| {
            let uri: Uri = format!("http://{text}/").parse().ok()?;
            Some((link::host(&uri)?, uri.port_u16()))
        });
        let https = upstream.scheme_str() == Some("https");
        Self { https, host: link::host(upstream).unwrap_or_default(), listed: listed.collect() }
    }

    /// The upstream's host.
    pub(super) fn upstream_host(&self) -> &str {
        &self.host
    }

    /// Judges scheme and host.
    ///
    /// # Errors
    /// [`LinkRefused`] when no address could make the link acceptable.
    pub fn standing(&self, uri: &Uri) -> Result<Standing, LinkRefused> {
        link::check(uri)?;
        if self.https && uri.scheme_str() != Some("https") {
            return Err(LinkRefused::Downgrade);
        }
        Ok(self.host_standing(&link::host(uri).ok_or(link::LinkError::Shape)?, link::port(uri)))
    }

    /// Judges a host and port alone; for the connector, which sees nothing else.
    pub(super) fn host_standing(&self, host: &str, port: u16) -> Standing {
        let listed = |(name, only): &(String, Option<u16>)| name == host && only.is_none_or(|only| only == port);
        if host == self.host || self.listed.iter().any(listed) { Standing::Trusted } else { Standing::ByAddress }
    }
}

/// Why an address is not a public one; `None` for public addresses. (IANA special-purpose registries, IPv4 and IPv6.)
pub fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => not_public_v4(address),
        IpAddr::V6(address) => not_public_v6(address),
    }
}

fn not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, d] = address.octets();
    Some(match (a, b, c, d) {
        (0, ..) => "unspecified",
        (127, ..) => "loopback",
        (10, ..) | (192, 168, ..) => "private",
        (172, 16..=31, ..) => "private",
        (100, 64..=127, ..) => "shared (carrier-grade NAT)",
        (169, 254, 169, 254) => "a cloud's metadata service",
        (169, 254, ..) => "link-local",
        // Azure's host agent stands on a public address, but answers only inside.
        (168, 63, 129, 16) => "a cloud's metadata service",
        (192, 0, 0, _) => "reserved for protocols",
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => "reserved for documentation",
        (192, 88, 99, _) => "a retired relay address",
        (198, 18..=19, ..) => "reserved for benchmarks",
        (224..=239, ..) => "multicast",
        (240..=255, ..) => "reserved",
        _ => return None,
    })
}

fn not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        not_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        // NAT64 (RFC 6052): how an IPv6-only network reaches IPv4, so public ones must pass.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("reserved for documentation"),
        [0x2001, 0..=0x1ff, ..] => Some("reserved for protocols"),
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Some("a cloud's metadata service"),
        [0xfc00..=0xfdff, ..] => Some("private (unique local)"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfec0..=0xfeff, ..] => Some("private (site-local)"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        [0x2000..=0x3fff, ..] => None,
        // IPv4-compatible, local NAT64, and whatever is not handed out: nothing public lives there.
        _ => Some("reserved"),
    }
}

#[cfg(test)]
mod tests;
