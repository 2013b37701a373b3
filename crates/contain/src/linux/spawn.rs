//! The parent's side: starting a worker, and making sure that it ends.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::{ContainError, Ended};

/// Bytes of the worker's standard error that are kept.
const STDERR_KEPT: usize = 4 << 10;

/// A running worker. Dropping it kills it and waits for its end, which takes the kernel well under a millisecond
/// unless the worker hangs in a read from a slow disk: do it where blocking is allowed.
#[derive(Debug)]
pub struct WorkerProcess {
    child: Child,
    stderr: Option<ChildStderr>,
}

/// Starts `exe args` as a worker: empty environment, working directory `/`, a socket to the caller as descriptor 0,
/// nothing on 1, a pipe on 2, and a process group of its own so that the terminal's interrupt reaches the parent only.
/// Returns the process and the caller's end of the socket, blocking.
///
/// The worker dies with the **thread** that starts it (`PR_SET_PDEATHSIG`, prctl(2)): call this from one that lives as long as
/// workers are wanted. `/proc/self/exe` as `exe` is the caller's own program, even when its file was replaced since.
///
/// # Errors
/// [`ContainError::Spawn`].
pub fn spawn_worker<A: AsRef<OsStr>>(exe: &Path, args: &[A]) -> Result<(WorkerProcess, UnixStream), ContainError> {
    start(exe, args).map_err(|source| ContainError::Spawn { program: exe.display().to_string(), source })
}

fn start<A: AsRef<OsStr>>(exe: &Path, args: &[A]) -> io::Result<(WorkerProcess, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    #[expect(clippy::disallowed_methods, reason = "the one place that starts workers")]
    let mut child = Command::new(exe)
        .args(args)
        .env_clear()
        .current_dir("/")
        .process_group(0)
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take();
    let worker = WorkerProcess { child, stderr };
    if let Some(pipe) = &worker.stderr {
        // Read only after the end; must not wait for a stranger who inherited the other end of the pipe.
        rustix::io::ioctl_fionbio(pipe, true)?;
    }
    Ok((worker, ours))
}

impl WorkerProcess {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it if it still runs, waits for its end, and says how it ended. A worker that was already dying keeps the
    /// cause that it died of. Blocks, see [`WorkerProcess`].
    pub fn end(mut self) -> Ended {
        let status = self.kill_and_reap();
        let mut stderr = vec![0; STDERR_KEPT];
        let mut kept = 0;
        if let Some(pipe) = &mut self.stderr {
            while kept < stderr.len() {
                match pipe.read(&mut stderr[kept..]) {
                    Ok(0) => break,
                    Ok(got) => kept += got,
                    Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                    // What it wrote explains its end; the end itself is known without.
                    Err(_) => break,
                }
            }
        }
        stderr.truncate(kept);
        Ended { status, stderr }
    }

    fn kill_and_reap(&mut self) -> Option<std::process::ExitStatus> {
        // Fails only when it was reaped already, and then there is nothing left to kill.
        let _ = self.child.kill();
        self.child.wait().ok()
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.kill_and_reap();
    }
}
