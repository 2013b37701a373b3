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
use crate::ContainError;
use crate::run::{Launch, Layer};

const NEWEST: ABI = ABI::V10;

pub(super) fn restrict(launch: &Launch) -> Result<String, ContainError> {
    let status = enter(launch).map_err(|why| step("enter a landlock domain", why))?;
    match status {
        LandlockStatus::Available { effective_abi, .. } => Ok(format!("landlock ABI {}", effective_abi as i32)),
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
        // No namespace: then at least no TCP at all.
        rules = rules.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?;
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
        writable.extend(launch.files.hidden.iter().map(PathBuf::as_path));
    } else {
        writable.extend([Path::new("/tmp"), Path::new("/var/tmp")]);
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
