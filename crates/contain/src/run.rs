//! A contained run in words: what a launch asks for, what is told of it, and how it ended. The same on every system.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// One layer of containment. Each is a mechanism of its own, so that each can be shown to work, and be switched off, alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// Mount namespace: everything read-only but the work directory, homes and sockets out of sight.
    Files,
    /// Network namespace: no way out but through the supervisor's listeners.
    Network,
    /// Process namespace: no other process in sight, and none outlives the run.
    Processes,
    /// FUSE over credential paths: who asks for which file is known, and refused.
    Tripwires,
    /// System call filter.
    Syscalls,
    /// Landlock: what files and the outside may be reached, judged at the objects.
    Landlock,
    /// Notifications of writes and connects. Evidence; enforces nothing.
    Evidence,
}

impl Layer {
    /// Every layer, strongest first.
    pub const ALL: [Self; 7] =
        [Self::Files, Self::Network, Self::Processes, Self::Tripwires, Self::Syscalls, Self::Landlock, Self::Evidence];

    /// What the kernel may lack, by the names that `--accept-degraded` takes.
    pub const KERNEL: [&'static str; 12] = [
        "userns",
        "mountns",
        "namespaces",
        "pidns",
        "fuse",
        "seccomp",
        "landlock",
        "netns",
        // What an older landlock has no rights for. The layer stays, with a hole of that name.
        "landlock-truncate",
        "landlock-tcp",
        "landlock-ioctl",
        "landlock-scopes",
    ];

    /// The word for people, flags and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Network => "network",
            Self::Processes => "processes",
            Self::Tripwires => "tripwires",
            Self::Syscalls => "syscalls",
            Self::Landlock => "landlock",
            Self::Evidence => "evidence",
        }
    }

    /// The layer of that name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.as_str() == word)
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layers(u8);

impl Layers {
    /// None: the program as it is.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const FULL: Self = Self(0x7f);

    /// Whether the layer is in.
    pub fn has(self, layer: Layer) -> bool {
        self.0 & layer.bit() != 0
    }

    /// With that layer.
    #[must_use]
    pub fn with(self, layer: Layer) -> Self {
        Self(self.0 | layer.bit())
    }

    /// Without that layer.
    #[must_use]
    pub fn without(self, layer: Layer) -> Self {
        Self(self.0 & !layer.bit())
    }

    /// Each layer that is in.
    pub fn iter(self) -> impl Iterator<Item = Layer> {
        Layer::ALL.into_iter().filter(move |layer| self.has(*layer))
    }

    /// Whether a namespace of our own has to be made for these.
    #[cfg(target_os = "linux")]
    pub(crate) fn namespaced(self) -> bool {
        [Layer::Files, Layer::Network, Layer::Processes, Layer::Tripwires].into_iter().any(|layer| self.has(layer))
    }
}

impl FromIterator<Layer> for Layers {
    fn from_iter<I: IntoIterator<Item = Layer>>(layers: I) -> Self {
        layers.into_iter().fold(Self::NONE, Self::with)
    }
}

/// What a run sees of the file system beyond the system itself, which is there and read-only. Absolute paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileRules {
    /// Folders whose content is out of sight: an empty one is there instead, gone with the run. Homes, mostly.
    pub hidden: Vec<PathBuf>,
    /// What of the hidden folders is in sight all the same, read-only: tools.
    pub readable: Vec<PathBuf>,
    /// Folders of the readable ones that may be written all the same: what is written is in memory and gone with the run.
    pub scratch: Vec<PathBuf>,
    /// What may be written besides the work directory.
    pub writable: Vec<PathBuf>,
    /// What of the writable folders stays read-only, with every folder above it pinned to its place.
    pub protected: Vec<PathBuf>,
    /// Folders of the writable ones that are out of sight: an empty one, which stays empty, is there instead.
    pub covered: Vec<PathBuf>,
    /// Files that nothing may be done with: sockets of services outside, secrets without a tripwire.
    pub masked: Vec<PathBuf>,
}

/// A file that is put over another for the run: certificates, the resolver's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where. It is made when it lies in a hidden folder; elsewhere it is passed over when nothing is there.
    pub path: PathBuf,
    /// What.
    pub content: Vec<u8>,
}

/// A path that only somebody who looks for credentials opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tripwire {
    /// The folder or file.
    pub path: PathBuf,
    /// What somebody finds who tries.
    pub bait: Bait,
}

/// What is behind a tripwire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bait {
    /// A folder; whatever is looked for in it is refused (EACCES).
    Folder,
    /// A folder in which nothing is found (ENOENT).
    EmptyFolder,
    /// A file that cannot be opened (EACCES).
    File,
    /// A folder with files that look real: name and content. Anything else in it is not found.
    CanaryFolder(Vec<(String, Vec<u8>)>),
    /// A file that looks real.
    CanaryFile(Vec<u8>),
}

/// What the run may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    /// Processes and threads at a time.
    pub processes: u64,
    /// Bytes of private memory of each process; unlimited when absent, because accelerators map what they like.
    pub memory: Option<u64>,
    /// Bytes that each of the run's temporary folders may hold.
    pub temporary: u64,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self { processes: 4096, memory: None, temporary: 4 << 30 }
    }
}

/// Whom a run belongs to when root starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunAs {
    /// The user, never 0.
    pub uid: u32,
    /// The group, never 0.
    pub gid: u32,
    /// The owner whose files in the work directory are to look, and to be, as if they were the user's (an id-mapped mount).
    pub instead_of: Option<(u32, u32)>,
}

/// Takes what the layers see. Called on the supervisor's threads while the program waits: be quick.
pub type Watcher = Arc<dyn Fn(Seen) + Send + Sync>;

/// Everything about one run.
#[derive(Clone)]
pub struct Launch {
    /// The program, as the shell would look for it.
    pub program: OsString,
    /// Its arguments, without its own name.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// Where it starts, and what it may write. Canonical.
    pub work_dir: PathBuf,
    /// What is enforced.
    pub layers: Layers,
    /// Whether a decoy stands in place of each tripwire that there is no file system for: readable, worthless, and watched.
    pub decoys: bool,
    /// Which holes of those the kernel may have all the same: names of [`Layer::KERNEL`].
    pub accepted: Vec<String>,
    /// What it sees.
    pub files: FileRules,
    /// Credential paths.
    pub tripwires: Vec<Tripwire>,
    /// Files that are put in place.
    pub places: Vec<Place>,
    /// What it may use up.
    pub limits: RunLimits,
    /// Whom it belongs to, when the caller is root.
    pub run_as: Option<RunAs>,
    /// Who is told.
    pub watcher: Watcher,
}

/// A process of the run, as the kernel names it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Who {
    /// The thread's id outside.
    pub pid: u32,
    /// What it calls itself.
    pub command: String,
    /// Its program, as the run sees it.
    pub exe: PathBuf,
}

/// Something that a layer saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who.
    pub who: Who,
    /// What.
    pub what: What,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A tripwire was touched. Process and name come from the kernel, and cannot be forged.
    Credential {
        /// The exact path.
        path: PathBuf,
        /// `read`, `list`, `write`.
        verb: &'static str,
        /// What came of it.
        answer: Answer,
    },
    /// Something was opened for writing. The path was read from the memory of the process: a claim.
    Write {
        /// The path, as the run sees it.
        path: PathBuf,
        /// Whether it lies where nothing can be written.
        refused: bool,
    },
    /// A datagram was sent outside, and is lost there. The kernel names the address; whose it was is not known.
    Sent {
        /// Where to.
        to: std::net::SocketAddr,
    },
    /// A kind of socket was asked for that a run does not get. What was asked stands in the registers: it is no claim.
    Socket {
        /// Which, in words.
        kind: String,
    },
    /// A socket was connected, or a datagram sent. The address is a claim.
    Connect {
        /// Where to.
        to: Target,
        /// Whether the socket sends datagrams.
        datagram: bool,
        /// False where it is sure that nothing answers: on the run's own loopback, where nobody has that port.
        answered: bool,
    },
}

/// What a tripwire answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// EACCES.
    Refused,
    /// ENOENT: there is nothing.
    Absent,
    /// A canary was read.
    Canary,
    /// A decoy was opened in its place; which process did is not known.
    Decoy,
}

/// Where a socket was to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// IPv4 or IPv6.
    Internet(std::net::SocketAddr),
    /// A Unix socket with a path.
    Path(PathBuf),
    /// A Unix socket with an abstract name.
    Abstract(String),
}

/// One attempt that was made inside, just before the program was started, and that had to be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Which layer it is about.
    pub layer: Layer,
    /// What was tried, and what the kernel said.
    pub what: String,
    /// Whether it was refused.
    pub held: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// The program's own exit code.
    Code(i32),
    /// The signal that ended it.
    Signal(i32),
    /// It was never started: the reason of the system.
    NotStarted(i32),
}
