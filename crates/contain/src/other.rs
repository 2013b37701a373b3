//! Every system but Linux: refuse, with help. The types exist so that the product compiles and can say so.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::net::NetFds;
use crate::{ContainError, Ended, Enforced, Job, Launch, PassError, RunEnd, Witness, WorkerProfile};

/// A worker; none can exist here.
#[derive(Debug)]
pub struct WorkerProcess(Infallible);

/// Refuses.
///
/// # Errors
/// Always [`ContainError::Unsupported`].
pub fn enter_worker(_profile: &WorkerProfile) -> Result<Enforced, ContainError> {
    Err(ContainError::Unsupported)
}

/// Refuses.
///
/// # Errors
/// Always [`ContainError::Unsupported`].
pub fn spawn_worker<A: AsRef<OsStr>>(_exe: &Path, _args: &[A]) -> Result<(WorkerProcess, UnixStream), ContainError> {
    Err(ContainError::Unsupported)
}

/// Refuses.
///
/// # Errors
/// Always [`PassError::Socket`], unsupported.
pub fn send_job(_socket: impl AsFd, _header: &[u8], _file: impl AsFd) -> Result<(), PassError> {
    Err(PassError::Socket(io::ErrorKind::Unsupported.into()))
}

/// Refuses.
///
/// # Errors
/// Always [`PassError::Socket`], unsupported.
pub fn recv_job(_socket: impl AsFd) -> Result<Option<Job>, PassError> {
    Err(PassError::Socket(io::ErrorKind::Unsupported.into()))
}

impl WorkerProcess {
    /// Its process id.
    pub fn id(&self) -> u32 {
        match self.0 {}
    }

    /// How it ended.
    pub fn end(self) -> Ended {
        match self.0 {}
    }
}

/// A run that waits for its program; none can exist here.
#[derive(Debug)]
pub struct Prepared(Infallible);

/// A running program; none can exist here.
#[derive(Debug)]
pub struct Running(Infallible);

/// Refuses.
///
/// # Errors
/// Always [`ContainError::RunUnsupported`].
pub fn start(_launch: Launch) -> Result<Prepared, ContainError> {
    Err(ContainError::RunUnsupported)
}

/// Everything.
pub fn lacking() -> Vec<&'static str> {
    crate::Layer::KERNEL.to_vec()
}

/// Does nothing: no signal of a run can arrive here.
pub fn die_by_signal(_signal: i32) {}

/// Refuses.
///
/// # Errors
/// Always, unsupported.
pub fn original_destination(_stream: &TcpStream) -> io::Result<SocketAddrV4> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Refuses.
///
/// # Errors
/// Always, unsupported.
pub fn recv_dns(_socket: &UdpSocket, _into: &mut [u8]) -> io::Result<(usize, SocketAddrV4, Ipv4Addr)> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Refuses.
///
/// # Errors
/// Always, unsupported.
pub fn send_dns(_socket: &UdpSocket, _bytes: &[u8], _peer: SocketAddrV4, _from: Ipv4Addr) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Prepared {
    /// The listeners.
    pub fn take_net(&mut self) -> Option<NetFds> {
        match self.0 {}
    }

    /// The first process.
    pub fn first(&self) -> Option<i32> {
        match self.0 {}
    }

    /// What is in force.
    pub fn enforced(&self) -> &Enforced {
        match self.0 {}
    }

    /// What was tried.
    pub fn witnessed(&self) -> &[Witness] {
        match self.0 {}
    }

    /// Starts the program.
    ///
    /// # Errors
    /// None can occur.
    pub fn go(self) -> Result<Running, ContainError> {
        match self.0 {}
    }
}

impl Running {
    /// Waits for the end.
    ///
    /// # Errors
    /// None can occur.
    pub fn wait(self) -> Result<RunEnd, ContainError> {
        match self.0 {}
    }
}
