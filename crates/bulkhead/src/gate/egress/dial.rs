//! Connections to upstream: resolved once, judged by address, and exactly what was judged is dialled.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::{Code, Problem};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::host::Host;
use crate::net::Resolver;
use crate::net::ssrf::not_public;

/// How the gate reaches hosts.
#[derive(Clone)]
pub struct Dialer {
    resolver: Arc<Resolver>,
    tls: Arc<ClientConfig>,
    limit: Duration,
    /// Hosts and ports that stand on these addresses, whatever those are: for the drill and for tests, whose upstreams are
    /// on loopback under other ports.
    fixed: Arc<HashMap<(String, u16), SocketAddr>>,
    /// What would be dialled, in tests that must not: nothing outside is theirs.
    #[cfg(test)]
    noted: Option<Arc<std::sync::Mutex<Vec<SocketAddr>>>>,
}

impl Dialer {
    /// Over that resolver and trust. The configuration must offer `http/1.1` alone.
    pub fn new(resolver: Resolver, tls: Arc<ClientConfig>) -> Self {
        let mut tls = ClientConfig::clone(&tls);
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            resolver: Arc::new(resolver),
            tls: Arc::new(tls),
            limit: Duration::from_secs(20),
            fixed: Arc::default(),
            #[cfg(test)]
            noted: None,
        }
    }

    /// The same with hosts that stand on fixed addresses.
    #[must_use]
    pub fn redirect(self, fixed: impl IntoIterator<Item = (String, u16, SocketAddr)>) -> Self {
        let fixed = fixed.into_iter().map(|(host, port, address)| ((host, port), address)).collect();
        Self { fixed: Arc::new(fixed), ..self }
    }

    /// A connection to the host. `private` says that policy lets it have a private address.
    ///
    /// # Errors
    /// `upstream-address` when every address is one that nothing outside may stand on, else what the network said.
    pub async fn dial(&self, host: &Host, port: u16, private: bool) -> Result<TcpStream, Problem> {
        let unreachable = |why: String| {
            Problem::new(Code::UpstreamUnreachable, format!("{host}:{port}: {why}"))
                .with_help("check the host's name, and whether this machine reaches it outside the run")
        };
        if let Some(address) = self.fixed.get(&(host.to_string(), port)) {
            return connect(*address).await.map_err(|error| unreachable(error.to_string()));
        }
        let looked_up = timeout(self.limit, self.resolver.lookup(&host.to_string(), port)).await;
        let addresses = match looked_up {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(error)) => return Err(unreachable(format!("the name does not resolve: {error}"))),
            Err(_) => return Err(late(host, port)),
        };
        let (good, closed): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|address| refused(*address, private).is_none());
        if let (true, Some(address)) = (good.is_empty(), closed.first()) {
            let class = refused(*address, private).unwrap_or("reserved");
            return Err(Problem::new(
                Code::UpstreamAddress,
                format!("{host} is at {}, which is {class}", address.ip()),
            )
            .with_help(format!("if {host} is one of your own hosts, add it to `private` in the policy's settings")));
        }
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in good {
            if is_own(address) {
                return Err(Problem::new(
                    Code::UpstreamAddress,
                    format!("{host} is at {}, which is this machine's own address", address.ip()),
                )
                .with_help(
                    "a service of this machine that runs may reach is named in bulkhead.toml: [egress] addresses",
                ));
            }
            #[cfg(test)]
            if let Some(noted) = &self.noted {
                noted.lock().unwrap().push(address);
                continue;
            }
            match timeout(self.limit, connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => return Err(late(host, port)),
            }
        }
        Err(unreachable(last.to_string()))
    }

    /// TLS to the host, with a certificate that the operating system's store vouches for.
    ///
    /// # Errors
    /// As [`Dialer::dial`]; `upstream-unreachable` with the reason when the certificate does not hold.
    pub async fn dial_tls(&self, host: &Host, port: u16, private: bool) -> Result<TlsStream<TcpStream>, Problem> {
        let bare = host.to_string();
        let bare = bare.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(|error| {
            Problem::new(Code::UpstreamAddress, format!("{host} cannot be spoken to over TLS: {error}"))
        })?;
        let stream = self.dial(host, port, private).await?;
        match timeout(self.limit, TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => {
                Err(Problem::new(Code::UpstreamUnreachable, format!("the TLS of {host}:{port} does not hold: {error}"))
                    .with_help("the host's certificate must be valid for this machine; nothing was sent to it"))
            }
            Err(_) => Err(late(host, port)),
        }
    }
}

/// Why the address may not be dialled. Loopback, link-local and metadata stay closed even for private hosts.
fn refused(address: SocketAddr, private: bool) -> Option<&'static str> {
    not_public(address.ip()).filter(|class| !(private && (class.starts_with("private") || class.starts_with("shared"))))
}

/// Whether the address is one of this machine: services that listen here trust whoever is here. Asked of the routing table:
/// what goes to an own address leaves from it too. Nothing is sent.
fn is_own(address: SocketAddr) -> bool {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let from = UdpSocket::bind(any).and_then(|socket| socket.connect(address).and_then(|()| socket.local_addr()));
    from.is_ok_and(|from| from.ip() == address.ip())
}

/// Without waiting for what could be sent along: a small answer behind another would wait for the peer's delayed
/// acknowledgement, 40 ms.
#[expect(clippy::disallowed_methods, reason = "this is the egress gate's address guard: it dials what it judged")]
async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn late(host: &Host, port: u16) -> Problem {
    Problem::new(Code::UpstreamTimeout, format!("{host}:{port} did not answer in time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Script;

    #[tokio::test]
    async fn a_host_that_the_operator_placed_is_spoken_to_without_delay() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tls = crate::net::tls::client(crate::net::tls::Trust::System).unwrap();
        let placed = ("api.allowed.test".to_owned(), 443, listener.local_addr().unwrap());
        let dialer = Dialer::new(Resolver::Table(std::collections::HashMap::new()), tls).redirect([placed]);
        let stream = dialer.dial(&Host::parse("api.allowed.test").unwrap(), 443, false).await.unwrap();
        assert!(stream.nodelay().unwrap());
    }

    fn dialler(answers: &[&[&str]]) -> (Dialer, Arc<Script>, Arc<std::sync::Mutex<Vec<SocketAddr>>>) {
        let script = Arc::new(Script::default());
        let answers = answers.iter().map(|answer| answer.iter().map(|address| address.parse().unwrap()).collect());
        script.answers.lock().unwrap().insert("a.example.test".to_owned(), answers.collect());
        let tls = crate::net::tls::client(crate::net::tls::Trust::System).unwrap();
        let noted: Arc<std::sync::Mutex<Vec<SocketAddr>>> = Arc::default();
        let dialer = Dialer::new(Resolver::Script(Arc::clone(&script)), tls);
        (Dialer { noted: Some(Arc::clone(&noted)), ..dialer }, script, noted)
    }

    #[tokio::test]
    async fn of_good_and_bad_addresses_only_the_good_ones_are_dialled() {
        let all = [
            "127.0.0.1",
            "8.8.8.8",
            "169.254.169.254",
            "::ffff:127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2606:4700::1",
            "10.1.2.3",
        ];
        let (dialer, _, noted) = dialler(&[&all]);
        let host = Host::parse("a.example.test").unwrap();
        assert!(dialer.dial(&host, 443, false).await.is_err());
        let good: Vec<SocketAddr> =
            ["8.8.8.8:443", "[2606:4700::1]:443"].map(|address| address.parse().unwrap()).into();
        assert_eq!(*noted.lock().unwrap(), good);
        for bad in [
            "127.0.0.1",
            "169.254.169.254",
            "::ffff:127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "::1",
            "0.0.0.0",
        ] {
            let (dialer, _, noted) = dialler(&[&[bad]]);
            let refused = dialer.dial(&host, 443, true).await.unwrap_err();
            assert_eq!((refused.code, noted.lock().unwrap().len()), (Code::UpstreamAddress, 0), "{bad}");
        }
    }

    /// A name server that says something good when it is asked to check, and something else when it is asked to connect.
    #[tokio::test]
    async fn a_name_is_asked_for_once_and_what_was_checked_is_dialled() {
        let (dialer, script, noted) = dialler(&[&["8.8.8.8"], &["127.0.0.1"]]);
        let host = Host::parse("a.example.test").unwrap();
        drop(dialer.dial(&host, 443, false).await);
        assert_eq!(script.asked.lock().unwrap().len(), 1);
        assert_eq!(*noted.lock().unwrap(), ["8.8.8.8:443".parse().unwrap()]);
        // The next connection is checked anew.
        assert_eq!(dialer.dial(&host, 443, false).await.unwrap_err().code, Code::UpstreamAddress);
        assert_eq!((script.asked.lock().unwrap().len(), noted.lock().unwrap().len()), (2, 1));
    }

    /// An address of this machine that is not loopback, where it has one: what it would send from. Nothing is sent.
    #[tokio::test]
    async fn an_own_address_is_refused_although_private_ones_are_open() {
        let from = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let Ok(own) = from.connect("192.0.2.1:9").and_then(|()| from.local_addr()) else { return };
        let (dialer, _, noted) = dialler(&[&[&own.ip().to_string()]]);
        for host in ["a.example.test", &own.ip().to_string()] {
            let refused = dialer.dial(&Host::parse(host).unwrap(), 443, true).await.unwrap_err();
            assert_eq!(refused.code, Code::UpstreamAddress, "{refused}");
        }
        // Where its address is of a kind that is refused in any case, the routing table says it all the same.
        assert!(is_own((own.ip(), 443).into()) && !own.ip().is_loopback());
        assert!(noted.lock().unwrap().is_empty());
    }

    #[test]
    fn addresses_of_this_machine_are_known_by_where_they_are_left_from() {
        // Every address of 127/8 is this machine's; loopback is refused before this is asked, so it can stand for the rest.
        assert!(is_own("127.0.0.1:443".parse().unwrap()));
        assert!(is_own("[::1]:443".parse().unwrap()));
        assert!(!is_own("192.0.2.77:443".parse().unwrap()));
    }

    #[test]
    fn private_hosts_open_private_addresses_and_nothing_else() {
        let class = |address: &str, private| refused(SocketAddr::new(address.parse().unwrap(), 443), private);
        assert_eq!((class("10.0.0.7", false), class("10.0.0.7", true)), (Some("private"), None));
        for closed in ["127.0.0.1", "169.254.169.254", "169.254.0.1", "::1", "fe80::1", "fd00:ec2::254", "198.18.0.1"] {
            assert!(class(closed, true).is_some(), "{closed}");
        }
    }
}
