//! Evidence of datagrams: a socket that gets a copy of the first bytes of each that leaves in the run's own network.
//!
//! Calls are no good place to look: sendmsg(2) and sendmmsg(2) have their addresses in memory, are everywhere in programs
//! that send nothing outside, and would cost each of them a question. Here nothing is asked and nobody waits; what the kernel
//! was given is seen, whichever way. Whose it was is not.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_B, BPF_H, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter,
};
use rustix::event::{PollFd, PollFlags};

use super::super::sockets;

/// Headers of the network and of a datagram, without options that nobody sends.
const LONGEST: usize = 68;
const UDP: u8 = 17;
const NAMES: u16 = 53;

/// The socket, in the network of the caller.
pub(super) fn open() -> io::Result<OwnedFd> {
    // Of every protocol: only such a socket sees what leaves. Nothing is taken before the filter is there.
    let socket = sockets::packet_socket()?;
    sockets::attach_filter(socket.as_fd(), &filter())?;
    sockets::packet_socket_listen(socket.as_fd())?;
    Ok(socket)
}

/// Datagrams on their way out, the run's own loopback left aside.
fn filter() -> Vec<sock_filter> {
    const PACKET_KIND: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE).cast_unsigned();
    const OUTGOING: u32 = 4;
    let load = |size, offset| statement(BPF_LD | size | BPF_ABS, offset, 0, 0);
    let equal = |value, yes, no| statement(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no);
    let (drop, keep) =
        (statement(BPF_RET | BPF_K, 0, 0, 0), statement(BPF_RET | BPF_K, u32::try_from(LONGEST).unwrap_or(0), 0, 0));
    vec![
        load(BPF_W, PACKET_KIND),
        equal(OUTGOING, 0, 13),
        load(BPF_B, 0),
        statement(BPF_ALU | BPF_AND | BPF_K, 0xf0, 0, 0),
        equal(0x60, 7, 0),
        equal(0x40, 0, 9),
        // IPv4: the protocol, no later fragment, and not to 127.0.0.0/8.
        load(BPF_B, 9),
        equal(UDP.into(), 0, 7),
        load(BPF_H, 6),
        statement(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 5, 0),
        load(BPF_B, 16),
        equal(127, 3, 2),
        // IPv6: the next header.
        load(BPF_B, 6),
        equal(UDP.into(), 0, 1),
        keep,
        drop,
    ]
}

fn statement(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or(0), jt, jf, k }
}

/// Tells where to each goes, until `stop` is readable or closed, and then what is left.
pub(super) fn serve(socket: BorrowedFd<'_>, stop: BorrowedFd<'_>, tell: &dyn Fn(SocketAddr)) {
    let mut over = false;
    loop {
        while let Some(bytes) = next(socket) {
            if let Some(to) = target(&bytes) {
                tell(to);
            }
        }
        if over {
            return;
        }
        let mut waits =
            [PollFd::from_borrowed_fd(socket, PollFlags::IN), PollFd::from_borrowed_fd(stop, PollFlags::IN)];
        match rustix::event::poll(&mut waits, None) {
            Ok(_) => over = !waits[1].revents().is_empty() || waits[0].revents().contains(PollFlags::NVAL),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

fn next(socket: BorrowedFd<'_>) -> Option<Vec<u8>> {
    let mut bytes = [0; LONGEST];
    loop {
        match rustix::net::recv(socket, &mut bytes, rustix::net::RecvFlags::DONTWAIT) {
            Ok((got, _)) => return Some(bytes[..got.min(LONGEST)].to_vec()),
            Err(rustix::io::Errno::INTR) => {}
            // The interface going down with its namespace is told as an error once.
            Err(rustix::io::Errno::NETDOWN) => {}
            Err(_) => return None,
        }
    }
}

/// Where a datagram goes. Names have a listener of their own, which answers from their port: no program can have that.
fn target(packet: &[u8]) -> Option<SocketAddr> {
    let (ip, header): (IpAddr, _) = match packet.first()? >> 4 {
        4 => {
            let ip: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
            (Ipv4Addr::from(ip).into(), usize::from(packet[0] & 0xf) * 4)
        }
        6 => {
            let ip: [u8; 16] = packet.get(24..40)?.try_into().ok()?;
            (Ipv6Addr::from(ip).into(), 40)
        }
        _ => return None,
    };
    let port = |at: usize| Some(u16::from_be_bytes(packet.get(at..at + 2)?.try_into().ok()?));
    let (from, to) = (port(header)?, port(header + 2)?);
    (from != NAMES && to != NAMES && !ip.is_loopback()).then(|| SocketAddr::new(ip, to))
}
