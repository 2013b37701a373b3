//! Raw system calls about sockets, as `sys` has those about everything else.

#![expect(unsafe_code, reason = "system calls that rustix does not wrap")]

use std::ffi::CStr;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};

use super::sys::{done, owned};

/// Brings an interface up.
pub(super) fn interface_up(socket: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    // SAFETY: plain bytes and integers.
    let mut request: libc::ifreq = unsafe { zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.to_bytes()) {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    // SAFETY: the request lives through both calls; the flags are the member that both use.
    unsafe {
        done(libc::c_long::from(libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request)))?;
        request.ifr_ifru.ifru_flags |= libc::c_short::try_from(libc::IFF_UP).unwrap_or(1);
        done(libc::c_long::from(libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request))).map(drop)
    }
}

/// A packet socket that takes nothing yet (packet(7)).
pub(super) fn packet_socket() -> io::Result<OwnedFd> {
    // SAFETY: no pointers.
    owned(libc::c_long::from(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) }))
}

/// From now on it takes every protocol.
pub(super) fn packet_socket_listen(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: plain integers; zero is every interface.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = libc::sa_family_t::try_from(libc::AF_PACKET).unwrap_or(17);
    address.sll_protocol = u16::try_from(libc::ETH_P_ALL).unwrap_or(3).to_be();
    let size = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).unwrap_or(20);
    // SAFETY: the address lives through the call and has the size that is passed.
    done(libc::c_long::from(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size) })).map(drop)
}

/// Puts a filter before a socket.
pub(super) fn attach_filter(socket: BorrowedFd<'_>, code: &[libc::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog {
        len: libc::c_ushort::try_from(code.len()).map_err(io::Error::other)?,
        filter: code.as_ptr().cast_mut(),
    };
    let size = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).unwrap_or(16);
    // SAFETY: the program points to the filter, which outlives the call; the kernel copies it.
    done(libc::c_long::from(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size,
        )
    }))
    .map(drop)
}

/// Sets an integer option of a socket.
pub(super) fn set_option(socket: BorrowedFd<'_>, level: libc::c_int, name: libc::c_int, value: i32) -> io::Result<()> {
    let size = libc::socklen_t::try_from(size_of::<i32>()).unwrap_or(4);
    // SAFETY: the value lives through the call and has the size that is passed.
    done(libc::c_long::from(unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), size)
    }))
    .map(drop)
}

/// Where a redirected connection was meant to go (`SO_ORIGINAL_DST`).
pub(super) fn original_destination(socket: BorrowedFd<'_>) -> io::Result<std::net::SocketAddrV4> {
    // SAFETY: plain integers.
    let mut address: libc::sockaddr_in = unsafe { zeroed() };
    let mut size = libc::socklen_t::try_from(size_of::<libc::sockaddr_in>()).unwrap_or(16);
    const SO_ORIGINAL_DST: libc::c_int = 80;
    // SAFETY: address and size live through the call and the size is the address's own.
    done(libc::c_long::from(unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_IP, SO_ORIGINAL_DST, (&raw mut address).cast(), &raw mut size)
    }))?;
    Ok(std::net::SocketAddrV4::new(
        std::net::Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)),
        u16::from_be(address.sin_port),
    ))
}

/// One datagram: its length, who sent it, and the address that it was sent to (`IP_PKTINFO`).
pub(super) fn receive_with_target(
    socket: BorrowedFd<'_>,
    into: &mut [u8],
) -> io::Result<(usize, std::net::SocketAddrV4, std::net::Ipv4Addr)> {
    // SAFETY: plain integers and pointers that are set below.
    let (mut peer, mut message): (libc::sockaddr_in, libc::msghdr) = unsafe { zeroed() };
    let mut piece = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let mut control = [0_u64; 16];
    message.msg_name = (&raw mut peer).cast();
    message.msg_namelen = libc::socklen_t::try_from(size_of::<libc::sockaddr_in>()).unwrap_or(16);
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: every pointer of the message is to a local that outlives the call, with its true length.
    let got = done(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0) } as libc::c_long)?;
    let mut target = std::net::Ipv4Addr::UNSPECIFIED;
    // SAFETY: the CMSG macros walk the control buffer that the kernel has just filled, within its length; the data of a
    // message of this level and type is an in_pktinfo, read without assuming its alignment.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(&raw const message);
        while !next.is_null() {
            if (*next).cmsg_level == libc::IPPROTO_IP && (*next).cmsg_type == libc::IP_PKTINFO {
                let info: libc::in_pktinfo = std::ptr::read_unaligned(libc::CMSG_DATA(next).cast());
                target = std::net::Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr));
            }
            next = libc::CMSG_NXTHDR(&raw const message, next);
        }
    }
    let peer = std::net::SocketAddrV4::new(
        std::net::Ipv4Addr::from(u32::from_be(peer.sin_addr.s_addr)),
        u16::from_be(peer.sin_port),
    );
    Ok((usize::try_from(got).map_err(io::Error::other)?, peer, target))
}

/// Sends a datagram that comes from `from`.
pub(super) fn send_from(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    peer: std::net::SocketAddrV4,
    from: std::net::Ipv4Addr,
) -> io::Result<()> {
    // SAFETY: plain integers and pointers that are set below.
    let (mut address, mut message): (libc::sockaddr_in, libc::msghdr) = unsafe { zeroed() };
    address.sin_family = libc::sa_family_t::try_from(libc::AF_INET).unwrap_or(2);
    address.sin_port = peer.port().to_be();
    address.sin_addr.s_addr = u32::from(*peer.ip()).to_be();
    let mut piece = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = [0_u64; 8];
    message.msg_name = (&raw mut address).cast();
    message.msg_namelen = libc::socklen_t::try_from(size_of::<libc::sockaddr_in>()).unwrap_or(16);
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    let size = u32::try_from(size_of::<libc::in_pktinfo>()).unwrap_or(12);
    // SAFETY: the control buffer has room for one in_pktinfo (64 bytes against CMSG_SPACE(12) = 32), is aligned, and every
    // pointer outlives the call.
    let sent = unsafe {
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(size) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::IPPROTO_IP;
        (*header).cmsg_type = libc::IP_PKTINFO;
        (*header).cmsg_len = libc::CMSG_LEN(size) as _;
        let mut info: libc::in_pktinfo = zeroed();
        info.ipi_spec_dst.s_addr = u32::from(from).to_be();
        std::ptr::write_unaligned(libc::CMSG_DATA(header).cast(), info);
        libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL)
    };
    done(sent as libc::c_long).map(drop)
}
