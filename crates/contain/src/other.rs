//! Every system but Linux: refuse, with help. The types exist so that the product compiles and can say so.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::{ContainError, Ended, Enforced, Job, PassError, WorkerProfile};

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
