//! One job over the socket: length, header, and the archive's open file as ancillary data (SCM_RIGHTS, unix(7)).

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

use crate::{Job, PassError};

/// Bytes of the little-endian length before the header.
const LENGTH: usize = 4;

/// Sends one job: `header` (1 to [`PassError::MAX_HEADER`] bytes) with `file`, which must be open for reading only.
///
/// One call of the kernel, so that it fits a non-blocking socket: [`io::ErrorKind::WouldBlock`] comes back as
/// [`PassError::Socket`] with nothing sent. A worker that waits for a job has an empty socket, which takes all of it.
///
/// # Errors
/// [`PassError`]; after [`PassError::Truncated`] the socket is of no more use.
pub fn send_job(socket: impl AsFd, header: &[u8], file: impl AsFd) -> Result<(), PassError> {
    let length = header_length(header.len())?;
    if rustix::fs::fcntl_getfl(&file).map_err(io::Error::from)? & OFlags::ACCMODE != OFlags::RDONLY {
        return Err(PassError::Writable);
    }
    let files = [file.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&files)) {
        return Err(PassError::NotOneFile);
    }
    let parts = [IoSlice::new(&length), IoSlice::new(header)];
    let sent = rustix::net::sendmsg(socket, &parts, &mut control, SendFlags::NOSIGNAL).map_err(io::Error::from)?;
    if sent == LENGTH + header.len() { Ok(()) } else { Err(PassError::Truncated) }
}

/// Waits for the next job on a blocking socket. `None`: the parent has closed its end.
///
/// # Errors
/// [`PassError`]; the worker should exit then, since it no longer knows where the next job begins.
pub fn recv_job(socket: impl AsFd) -> Result<Option<Job>, PassError> {
    let socket = socket.as_fd();
    let mut length = [0; LENGTH];
    // Room for exactly one descriptor: the kernel closes what does not fit and says so (CTRUNC).
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = loop {
        let mut parts = [IoSliceMut::new(&mut length)];
        match rustix::net::recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other.map_err(io::Error::from)?,
        }
    };
    if got.bytes == 0 {
        return Ok(None);
    }
    // The sender wrote length and header in one piece, so the length cannot arrive in two.
    if got.bytes != LENGTH || got.flags.intersects(ReturnFlags::CTRUNC | ReturnFlags::TRUNC) {
        return Err(PassError::Truncated);
    }
    let file = only_file(&mut control)?;
    let expected = u32::from_le_bytes(length) as usize;
    header_length(expected)?;
    let mut header = vec![0; expected];
    read_whole(socket, &mut header)?;
    Ok(Some(Job { header, file }))
}

fn header_length(bytes: usize) -> Result<[u8; LENGTH], PassError> {
    match u32::try_from(bytes) {
        Ok(length @ 1..) if bytes <= PassError::MAX_HEADER => Ok(length.to_le_bytes()),
        _ => Err(PassError::HeaderSize(bytes)),
    }
}

fn only_file(control: &mut RecvAncillaryBuffer<'_>) -> Result<File, PassError> {
    let mut files: Vec<OwnedFd> = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            files.extend(received);
        }
    }
    match <[OwnedFd; 1]>::try_from(files) {
        Ok([file]) => Ok(File::from(file)),
        Err(_) => Err(PassError::NotOneFile),
    }
}

fn read_whole(socket: impl AsFd, mut rest: &mut [u8]) -> Result<(), PassError> {
    while !rest.is_empty() {
        match rustix::io::read(&socket, &mut *rest) {
            Ok(0) => return Err(PassError::Truncated),
            Ok(got) => rest = rest.split_at_mut(got).1,
            Err(rustix::io::Errno::INTR) => {}
            Err(why) => return Err(PassError::Socket(why.into())),
        }
    }
    Ok(())
}
