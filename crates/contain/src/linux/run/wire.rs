//! What passes between supervisor and run before the program starts: one packet each, descriptors along with it.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};

/// Descriptors that come with one packet at most.
const MOST: usize = 8;
const LONGEST: usize = 16 << 10;

/// One packet: what it is about, its text, and its descriptors.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) about: About,
    pub(super) text: String,
    pub(super) fds: Vec<OwnedFd>,
    /// The sender, as the kernel names it to us.
    pub(super) pid: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum About {
    /// Listeners inside the network namespace.
    Net = b'n',
    /// The socket that sees datagrams.
    Packets = b'p',
    /// The FUSE connection.
    Fuse = b'f',
    /// The watch on the decoys: its number for each, and its index.
    Decoys = b'y',
    /// The seccomp listener.
    Listener = b's',
    /// What is in force, one line each.
    InForce = b'i',
    /// What was passed over, one line each.
    Missing = b'm',
    /// What was tried inside.
    Witness = b'w',
    /// The program stands ready.
    Ready = b'r',
    /// Start it.
    Go = b'g',
    /// A step failed: layer or empty, step, why.
    Failed = b'e',
    /// The program could not be started: the error's number.
    NotStarted = b'x',
    /// The program was stopped.
    Stopped = b't',
    /// The program ended: `c` or `s`, and the number.
    Ended = b'd',
}

impl About {
    const ALL: [Self; 14] = [
        Self::Stopped,
        Self::Net,
        Self::Packets,
        Self::Fuse,
        Self::Decoys,
        Self::Listener,
        Self::InForce,
        Self::Missing,
        Self::Witness,
        Self::Ready,
        Self::Go,
        Self::Failed,
        Self::NotStarted,
        Self::Ended,
    ];
}

pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    rustix::net::sockopt::set_socket_passcred(&ours, true)?;
    Ok((ours, theirs))
}

pub(super) fn send(socket: BorrowedFd<'_>, about: About, text: &str, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("too many descriptors for one packet"));
    }
    let text = &text[..text.floor_char_boundary(LONGEST - 1)];
    let kind = [about as u8];
    let parts = [IoSlice::new(&kind), IoSlice::new(text.as_bytes())];
    rustix::net::sendmsg(socket, &parts, &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The next packet; `None` when every other end is closed.
pub(super) fn receive(socket: BorrowedFd<'_>) -> io::Result<Option<Packet>> {
    let mut bytes = vec![0; LONGEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST), ScmCredentials(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = loop {
        let mut parts = [IoSliceMut::new(&mut bytes)];
        match rustix::net::recvmsg(socket.as_fd(), &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            other => break other?.bytes,
        }
    };
    if got == 0 {
        return Ok(None);
    }
    let (mut fds, mut pid) = (Vec::new(), 0);
    for message in control.drain() {
        match message {
            RecvAncillaryMessage::ScmRights(received) => fds.extend(received),
            RecvAncillaryMessage::ScmCredentials(who) => pid = who.pid.as_raw_pid(),
            _ => {}
        }
    }
    let about = About::ALL.into_iter().find(|about| *about as u8 == bytes[0]);
    let about = about.ok_or_else(|| io::Error::other("a packet of an unknown kind"))?;
    let text = String::from_utf8_lossy(&bytes[1..got]).into_owned();
    Ok(Some(Packet { about, text, fds, pid }))
}
