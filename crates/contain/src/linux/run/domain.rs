//! Landlock as a further layer: what may be written, and nobody outside to signal or to call by an abstract name.
//!
//! It sits at the objects and fails independently of the mounts. Alone, where there are no namespaces, it is also what
//! keeps homes out of reach: then not all of `/` is readable, but everything beside the hidden folders.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope,
};

use super::super::enter::step;
use super::super::sys;
use crate::ContainError;
use crate::run::{Launch, Layer};

const NEWEST: ABI = ABI::V10;

/// Rights that came to the kernel after the first landlock, and that a run is worse off without.
pub(super) struct Right {
    /// As `--accept-degraded` takes it.
    pub(super) name: &'static str,
    pub(super) since: i64,
    /// Whether every run wants it, or only one without a network of its own.
    pub(super) always: bool,
    /// What is not refused where it is missing.
    open: &'static str,
}

pub(super) const RIGHTS: [Right; 4] = [
    Right { name: "landlock-truncate", since: 3, always: true, open: "truncating files by name" },
    Right { name: "landlock-tcp", since: 4, always: false, open: "TCP" },
    Right { name: "landlock-ioctl", since: 5, always: true, open: "commands to devices" },
    Right { name: "landlock-scopes", since: 6, always: true, open: "signals and abstract sockets to the outside" },
];
/// Since when sockets with a path are judged (`RESOLVE_UNIX`).
const UNIX_SINCE: i64 = 9;

/// The version of the running kernel's landlock; 0 where there is none.
pub(super) fn abi() -> i64 {
    const VERSION: usize = 1;
    sys::attempt(libc::SYS_landlock_create_ruleset, [0, 0, VERSION, 0, 0, 0]).unwrap_or(0)
}

/// What the domain is.
pub(super) struct Domain {
    /// In words.
    pub(super) in_force: String,
    /// Whether it keeps from sockets of services outside.
    pub(super) judges_sockets: bool,
    /// Accepted holes, in words.
    pub(super) open: Vec<String>,
}

pub(super) fn restrict(launch: &Launch) -> Result<Domain, ContainError> {
    let abi = abi();
    let networked = launch.layers.has(Layer::Network);
    let mut open = Vec::new();
    for right in RIGHTS.iter().filter(|right| abi < right.since && (right.always || !networked)) {
        if abi > 0 && !launch.accepted.iter().any(|name| name == right.name) {
            let why = format!("landlock ABI {abi} does not refuse {}", right.open);
            return Err(ContainError::Missing { layer: right.name, why });
        }
        open.push(format!("{}: landlock ABI {abi} does not refuse {}", right.name, right.open));
    }
    let status = enter(launch).map_err(|why| step("enter a landlock domain", why))?;
    match status {
        LandlockStatus::Available { effective_abi, .. } => Ok(Domain {
            in_force: format!("landlock ABI {}", effective_abi as i32),
            judges_sockets: abi >= UNIX_SINCE,
            open,
        }),
        LandlockStatus::NotEnabled => {
            Err(ContainError::Missing { layer: "landlock", why: "not enabled at boot (lsm=)".to_owned() })
        }
        _ => Err(ContainError::Missing { layer: "landlock", why: "not in this kernel".to_owned() }),
    }
}

fn enter(launch: &Launch) -> Result<LandlockStatus, RulesetError> {
    let all = AccessFs::from_all(NEWEST);
    let read = AccessFs::from_read(NEWEST);
    let mut rules = Ruleset::default().handle_access(all)?;
    let networked = launch.layers.has(Layer::Network);
    if !networked {
        // No namespace: then at least no TCP at all, and no datagrams where the kernel judges them.
        rules = rules.handle_access(AccessNet::from_all(NEWEST))?;
    }
    let mut rules = rules.scope(Scope::from_all(NEWEST))?.create()?;
    let files = launch.layers.has(Layer::Files);
    let readable = if files { vec![PathBuf::from("/")] } else { beside_hidden(launch) };
    for path in &readable {
        rules = allow(rules, path, read)?;
    }
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::ReadDir | AccessFs::IoctlDev | AccessFs::Truncate;
    rules = allow(rules, Path::new("/dev"), device)?;
    // Threads are named, and memory is advised, through files of one's own.
    rules = allow(rules, Path::new("/proc"), read | AccessFs::WriteFile | AccessFs::Truncate)?;
    let mut writable: Vec<&Path> = launch.files.writable.iter().map(PathBuf::as_path).collect();
    writable.extend([launch.work_dir.as_path(), Path::new("/dev/shm"), Path::new("/dev/mqueue")]);
    if files {
        // Empty ones, in memory. Without mounts they are the machine's, and `/tmp` is everybody's.
        writable.extend(launch.files.hidden.iter().map(PathBuf::as_path));
    }
    for path in writable {
        rules = allow(rules, path, all)?;
    }
    Ok(rules.restrict_self()?.landlock)
}

fn allow(
    rules: landlock::RulesetCreated,
    path: &Path,
    rights: BitFlags<AccessFs>,
) -> Result<landlock::RulesetCreated, RulesetError> {
    // What is not there, or not for this user, needs no rule.
    let Ok(fd) = PathFd::new(path) else { return Ok(rules) };
    let rights = if path.is_dir() { rights } else { rights & AccessFs::from_file(NEWEST) };
    rules.add_rule(PathBeneath::new(fd, rights))
}

/// Everything but the hidden folders, and what of those is to stay in sight. Landlock can only add, so the folders above a
/// hidden one are taken apart.
fn beside_hidden(launch: &Launch) -> Vec<PathBuf> {
    let is_hidden = |path: &Path| launch.files.hidden.iter().any(|hidden| hidden == path);
    let mut beside = launch.files.readable.clone();
    let mut open = vec![PathBuf::from("/")];
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if is_hidden(&path) {
                continue;
            }
            if launch.files.hidden.iter().any(|hidden| hidden.starts_with(&path)) {
                open.push(path);
            } else {
                beside.push(path);
            }
        }
    }
    beside
}
