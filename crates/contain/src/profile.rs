//! What a worker is allowed, what was enforced in the end, and how any of it can fail: the same words on every system.

use std::fmt;
use std::fs::File;
use std::io;
use std::process::ExitStatus;

/// How much a layer of containment is insisted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// Refuse to run without it.
    Required,
    /// Use what the kernel offers; what it lacks is listed in [`Enforced::missing`].
    IfOffered,
    /// Leave it out, and list it as missing. For tests that show what each layer stops on its own.
    Off,
}

/// What a worker may use. Everything that is not a number here is forbidden without exception: files, network,
/// programs, other processes, new descriptors except the job's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerProfile {
    /// Bytes of private writable memory (`RLIMIT_DATA`). An allocation beyond it fails, and the worker aborts.
    pub memory: u64,
    /// CPU seconds over the worker's whole life (`RLIMIT_CPU`), after which the kernel kills it. The time of one job
    /// is the parent's to watch; this is what stops a worker whose parent is gone or stuck.
    pub cpu_seconds: u64,
    /// The system call allow-list. Required by default: without it the worker keeps the whole kernel as its target.
    pub seccomp: Need,
    /// No file, TCP, abstract socket or signal by a second mechanism that fails independently of the first.
    pub landlock: Need,
}

impl WorkerProfile {
    /// Address space on top of `memory` (`RLIMIT_AS`), for what is mapped but not written: the program itself, of which
    /// a debug build with its vendored C code is the largest.
    pub const MAPPED_ON_TOP: u64 = 256 << 20;
    /// Descriptors: 0, 1, 2, the job's file, and a little room.
    pub const OPEN_FILES: u64 = 16;
}

impl Default for WorkerProfile {
    fn default() -> Self {
        Self { memory: 184 << 20, cpu_seconds: 3600, seccomp: Need::Required, landlock: Need::IfOffered }
    }
}

/// What is in force after [`enter_worker`](crate::enter_worker), one short line each, for the start-up banner and the record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Enforced {
    /// Layers in force, strongest first.
    pub in_force: Vec<String>,
    /// What this kernel does not offer or the profile left out. Empty means: everything known is in force.
    pub missing: Vec<String>,
}

impl Enforced {
    /// One layer, in force.
    #[cfg(target_os = "linux")]
    pub(crate) fn held(what: impl Into<String>) -> Self {
        Self { in_force: vec![what.into()], missing: Vec::new() }
    }

    /// One layer, missing.
    #[cfg(target_os = "linux")]
    pub(crate) fn lacking(what: impl Into<String>) -> Self {
        Self { in_force: Vec::new(), missing: vec![what.into()] }
    }
}

impl fmt::Display for Enforced {
    /// `seccomp allow-list of 29 calls, ...; missing: ...`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_force.join(", "))?;
        if !self.missing.is_empty() {
            write!(f, "; missing: {}", self.missing.join(", "))?;
        }
        Ok(())
    }
}

/// Containment could not be set up. The worker must end: it holds nothing yet, so nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum ContainError {
    /// The system has no containment that Bulkhead knows.
    #[error(
        "archives are read only under containment, which needs Linux; run Bulkhead on Linux or in a Linux container"
    )]
    Unsupported,
    /// The same, for a run.
    #[error(
        "a run is contained by the Linux kernel, and this is another system: nothing was started; run it on Linux, or in a Linux virtual machine or container"
    )]
    RunUnsupported,
    /// Descriptor 0 is not a socket from a parent.
    #[error("a worker is started by Bulkhead itself, over a socket on descriptor 0, never by hand ({0})")]
    NoParent(io::Error),
    /// The parent died while the worker started, so nobody would stop it.
    #[error("the parent (process {0}) is gone")]
    ParentGone(i32),
    /// Other threads would stay outside the filter.
    #[error("containment must come first: the process has {0} threads already")]
    Threads(usize),
    /// A required layer is not there.
    #[error("{layer} is not available here: {why}; allow it in the container's or the kernel's settings")]
    Missing {
        /// Which layer.
        layer: &'static str,
        /// What the kernel said.
        why: String,
    },
    /// One step was refused by the kernel.
    #[error("could not {step}: {why}")]
    Step {
        /// What was tried, as a verb phrase.
        step: &'static str,
        /// What the kernel said.
        why: String,
    },
    /// A step inside a run that was being set up failed.
    #[error("could not {step}: {why}")]
    Setup {
        /// What was tried, as a verb phrase.
        step: String,
        /// What the kernel said.
        why: String,
    },
    /// The worker's program could not be started.
    #[error("could not start {program}: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
}

/// One job as the worker receives it.
#[derive(Debug)]
pub struct Job {
    /// The header, as the parent sent it.
    pub header: Vec<u8>,
    /// The archive, open for reading only.
    pub file: File,
}

/// A job could not be passed over the socket.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The header has more bytes than [`PassError::MAX_HEADER`], or none.
    #[error("a job header of {0} bytes is outside 1..={max}", max = Self::MAX_HEADER)]
    HeaderSize(usize),
    /// The file can be written through; the worker gets read-only files.
    #[error("the job's file is open for writing")]
    Writable,
    /// The message arrived cut off or was only sent in part.
    #[error("the job was cut off")]
    Truncated,
    /// The message had no file, or more than one.
    #[error("the job came without exactly one file")]
    NotOneFile,
    /// The socket failed.
    #[error("the worker's socket failed: {0}")]
    Socket(#[from] io::Error),
}

impl PassError {
    /// Bytes that a job header may have: well below what an idle unix socket takes in one piece.
    pub const MAX_HEADER: usize = 64 << 10;
}

/// How a worker process ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit status; `None` when the system would not say.
    pub status: Option<ExitStatus>,
    /// The first bytes that it wrote to its standard error, at most 4 KiB. Untrusted text.
    pub stderr: Vec<u8>,
}
