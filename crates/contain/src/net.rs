//! The network side of a run: what the supervisor holds of a network namespace that it does not live in.
//!
//! The namespace has `lo` and one route that makes every IPv4 address local (AnyIP). A program inside that connects
//! anywhere reaches a listener of the supervisor, and nothing leads out. The supervisor stays in the host's network, and
//! dials, when it does, from there.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};

/// Where the explicit proxy listens inside: for `HTTPS_PROXY` and its relatives.
pub const PROXY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 3128);

/// TCP ports that always have a listener on every address.
pub const PORTS: [u16; 2] = [80, 443];

/// Which TCP ports reach the supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caught {
    /// Every port of every address outside 127.0.0.0/8: the kernel redirects them to one listener.
    All,
    /// These ports; any other is refused by the kernel inside, and only the connect notification tells of it.
    Only(Vec<u16>),
}

impl Caught {
    /// Whether a connection to that port reaches the supervisor.
    pub fn port(&self, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Only(ports) => ports.contains(&port),
        }
    }
}

/// Listeners inside the run's network namespace. Blocking and close-on-exec; they stay in the namespace wherever they go.
#[derive(Debug)]
pub struct NetFds {
    /// 0.0.0.0:53. Datagrams come with the address that was asked: use `recv_dns` and `send_dns`.
    pub dns_udp: UdpSocket,
    /// 0.0.0.0:53.
    pub dns_tcp: TcpListener,
    /// [`PROXY`].
    pub proxy: TcpListener,
    /// Everything else. Ask `original_destination` of each accepted stream where it was meant to go.
    pub tcp: Vec<TcpListener>,
    /// What reaches `tcp`.
    pub caught: Caught,
}
