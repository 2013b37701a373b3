//! A network that leads nowhere but to us: `lo`, one route that makes every address local, and the listeners.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::super::sockets;
use super::nft;
use crate::net::{Caught, NetFds, PORTS, PROXY};

/// Makes the namespace of the caller into such a network. Returns what [`unpack`] takes, as descriptors and a text.
pub(super) fn set_up() -> io::Result<(Vec<OwnedFd>, String)> {
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    sockets::interface_up(socket.as_fd(), c"lo")?;
    any_address_is_local(libc::AF_INET)?;
    // Without IPv6 in the kernel there is nothing to see of it.
    drop(any_address_is_local(libc::AF_INET6));

    let dns_udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 53))?;
    sockets::set_option(dns_udp.as_fd(), libc::SOL_IP, libc::IP_PKTINFO, 1)?;
    let mut fds: Vec<OwnedFd> =
        vec![dns_udp.into(), TcpListener::bind((Ipv4Addr::UNSPECIFIED, 53))?.into(), TcpListener::bind(PROXY)?.into()];
    for port in PORTS {
        fds.push(TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?.into());
    }
    // The listener for every other port has an address that the redirection names; a program that calls it directly is
    // seen to have meant that very address, and gets nowhere.
    let rest = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let caught = match nft::redirect_tcp(rest.local_addr()?.port(), 53) {
        Ok(()) => {
            fds.push(rest.into());
            "all"
        }
        Err(_) => "some",
    };
    Ok((fds, caught.to_owned()))
}

/// The supervisor's side of [`set_up`].
pub(super) fn unpack(fds: Vec<OwnedFd>, caught: &str) -> Option<NetFds> {
    let mut fds = fds.into_iter();
    let (dns_udp, dns_tcp, proxy) = (fds.next()?, fds.next()?, fds.next()?);
    let caught = if caught == "all" { Caught::All } else { Caught::Only(PORTS.to_vec()) };
    Some(NetFds {
        dns_udp: dns_udp.into(),
        dns_tcp: dns_tcp.into(),
        proxy: proxy.into(),
        tcp: fds.map(TcpListener::from).collect(),
        caught,
    })
}

/// `ip route add local default dev lo` (rtnetlink(7)): any address is this machine, and `getsockname` on an accepted
/// socket is the address that was dialled. Of IPv6 nothing is served; what is sent there is seen.
fn any_address_is_local(family: libc::c_int) -> io::Result<()> {
    const NEWROUTE: u16 = 24;
    const REQUEST_CREATE_ACK: u16 = 0x1 | 0x400 | 0x4;
    // rtmsg: family, /0 -> /0, no TOS, table local, protocol boot, scope host, type local, no flags.
    let mut body = vec![u8::try_from(family).unwrap_or(0), 0, 0, 0, 255, 3, 254, 2, 0, 0, 0, 0];
    // RTA_OIF: `lo` is the first interface of every namespace.
    const OUT_INTERFACE: u16 = 4;
    body.extend(8_u16.to_ne_bytes());
    body.extend(OUT_INTERFACE.to_ne_bytes());
    body.extend(1_u32.to_ne_bytes());
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    rustix::net::send(&socket, &nft::message(NEWROUTE, REQUEST_CREATE_ACK, 1, &body), rustix::net::SendFlags::empty())?;
    nft::acknowledged(&socket, 1)
}

/// Where an accepted connection was meant to go.
///
/// # Errors
/// When the socket has gone meanwhile.
pub fn original_destination(stream: &TcpStream) -> io::Result<SocketAddrV4> {
    if let Ok(meant) = sockets::original_destination(stream.as_fd()) {
        return Ok(meant);
    }
    match stream.local_addr()? {
        std::net::SocketAddr::V4(address) => Ok(address),
        std::net::SocketAddr::V6(address) => Err(io::Error::other(format!("{address} is not an IPv4 address"))),
    }
}

/// One datagram from the run: its length, who sent it, and the address that it was sent to.
///
/// # Errors
/// As recvmsg(2).
pub fn recv_dns(socket: &UdpSocket, into: &mut [u8]) -> io::Result<(usize, SocketAddrV4, Ipv4Addr)> {
    sockets::receive_with_target(socket.as_fd(), into)
}

/// Answers a datagram, from the address that was asked: a resolver takes no other answer.
///
/// # Errors
/// As sendmsg(2).
pub fn send_dns(socket: &UdpSocket, bytes: &[u8], peer: SocketAddrV4, from: Ipv4Addr) -> io::Result<()> {
    sockets::send_from(socket.as_fd(), bytes, peer, from)
}
