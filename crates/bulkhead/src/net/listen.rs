//! Where Bulkhead may listen: loopback freely, anywhere else only with TLS and tokens.

use std::net::SocketAddr;

/// Listening there would let strangers in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{listen} is reachable from other machines, which needs {missing}\n  help: {help}")]
pub struct Exposed {
    /// The address.
    pub listen: SocketAddr,
    /// What is missing, in words.
    pub missing: &'static str,
    /// What to do.
    pub help: String,
}

/// Refuses an address that is not loopback unless TLS is configured and at least one token exists.
///
/// # Errors
/// [`Exposed`], which says how to set up what is missing.
pub fn check_exposure(listen: SocketAddr, tls: bool, tokens: bool) -> Result<(), Exposed> {
    // A mapped 127.0.0.1 (::ffff:127.0.0.1) is loopback as well.
    if listen.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let set_tls = "set tls_cert and tls_key under [server] in bulkhead.toml";
    let set_token = "create a token: bulkhead token create --for ci";
    let (missing, help) = match (tls, tokens) {
        (true, true) => return Ok(()),
        (false, true) => ("TLS", set_tls.to_owned()),
        (true, false) => ("a token", set_token.to_owned()),
        (false, false) => ("TLS and a token", format!("{set_tls}; {set_token}")),
    };
    let port = listen.port();
    Err(Exposed { listen, missing, help: format!("{help}; or listen on 127.0.0.1:{port}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_free() {
        for address in ["127.0.0.1:7070", "127.8.8.8:1", "[::1]:7070", "[::ffff:127.0.0.1]:7070"] {
            assert_eq!(check_exposure(address.parse().unwrap(), false, false), Ok(()), "{address}");
        }
        for address in ["0.0.0.0:7070", "[::]:7070", "10.0.0.1:7070", "[::ffff:10.0.0.1]:7070", "169.254.1.1:7070"] {
            let address = address.parse().unwrap();
            assert!(check_exposure(address, false, false).is_err(), "{address}");
            assert!(check_exposure(address, true, false).is_err(), "{address}");
            assert!(check_exposure(address, false, true).is_err(), "{address}");
            assert_eq!(check_exposure(address, true, true), Ok(()), "{address}");
        }
    }

    #[test]
    fn the_refusal_says_how() {
        let refusal = check_exposure("0.0.0.0:7070".parse().unwrap(), false, false).unwrap_err().to_string();
        insta::assert_snapshot!(refusal, @r"
        0.0.0.0:7070 is reachable from other machines, which needs TLS and a token
          help: set tls_cert and tls_key under [server] in bulkhead.toml; create a token: bulkhead token create --for ci; or listen on 127.0.0.1:7070
        ");
    }
}
