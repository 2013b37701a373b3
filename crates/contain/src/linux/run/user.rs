//! Whose the run is: never root's, and inside its own user namespace nobody but itself.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
use rustix::process::{DumpableBehavior, Signal};

use super::super::enter::step;
use super::super::sys;
use crate::run::{Launch, Layer, Layers};
use crate::{ContainError, RunAs};

/// A folder with a FUSE device that any user may open; only root can make one. Where the system's own may be opened by
/// everybody, which is how distributions ship it, none is needed.
pub(super) fn open_fuse_for_all() -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_set_string(context.as_fd(), "mode", "0755")?;
    rustix::mount::fsconfig_create(context.as_fd())?;
    let folder = rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    sys::device_node(folder.as_fd(), c"fuse", 10, 229)?;
    Ok(folder)
}

/// The FUSE device, opened in the user namespace that will mount with it: the kernel insists that both are the same.
pub(super) fn open_fuse(ours: Option<&OwnedFd>) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let opened = match ours {
        Some(folder) => rustix::fs::openat(folder, "fuse", flags, Mode::empty()),
        None => rustix::fs::open("/dev/fuse", flags, Mode::empty()),
    };
    Ok(opened?)
}

/// Root becomes the run's user, for good.
pub(super) fn leave_root(run_as: Option<RunAs>) -> Result<(), ContainError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let Some(RunAs { uid, gid, .. }) = run_as.filter(|user| user.uid != 0 && user.gid != 0) else {
        return Err(step("start a run as root", "no user is named for it; a run is never root's"));
    };
    sys::become_user(uid, gid).map_err(|why| step("become the run's user", why))
}

/// The kernel ends this process with its parent. Asked for anew after each change of identity, which forgets it; and since
/// the parent may have gone before, it is looked for afterwards.
pub(super) fn die_with(parent: Option<rustix::process::Pid>) -> Result<(), ContainError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|why| step("die with the supervisor", why))?;
    if parent.is_some() && rustix::process::getppid() != parent {
        return Err(ContainError::ParentGone(parent.map_or(0, rustix::process::Pid::as_raw_pid)));
    }
    Ok(())
}

/// Namespaces for these layers, with the caller's user as the only one inside the user namespace.
pub(super) fn enter_namespaces(layers: Layers) -> Result<(), ContainError> {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    // A change of identity has made the process's files in /proc root's; the maps are written through them.
    rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable).map_err(|why| step("own its own maps", why))?;
    sys::unshare(libc::CLONE_NEWUSER).map_err(|why| missing("userns", &why))?;
    fs::write("/proc/self/setgroups", "deny")
        .and_then(|()| fs::write("/proc/self/uid_map", format!("{uid} {uid} 1")))
        .and_then(|()| fs::write("/proc/self/gid_map", format!("{gid} {gid} 1")))
        .map_err(|why| missing("userns", &why))?;
    // One by one, so that the one which is missing has a name.
    sys::unshare(libc::CLONE_NEWIPC | libc::CLONE_NEWUTS).map_err(|why| missing("namespaces", &why))?;
    if layers.has(Layer::Files) || layers.has(Layer::Tripwires) || layers.has(Layer::Processes) {
        sys::unshare(libc::CLONE_NEWNS).map_err(|why| missing("mountns", &why))?;
    }
    if layers.has(Layer::Network) {
        sys::unshare(libc::CLONE_NEWNET).map_err(|why| missing("netns", &why))?;
    }
    Ok(())
}

pub(super) fn missing(layer: &'static str, why: &io::Error) -> ContainError {
    ContainError::Missing { layer, why: why.to_string() }
}

/// What root does before it stops being root.
pub(super) struct AsRoot {
    pub(super) fuse: Option<OwnedFd>,
}

impl AsRoot {
    pub(super) fn prepare(launch: &Launch) -> Result<Self, ContainError> {
        sys::unshare(libc::CLONE_NEWNS).map_err(|why| missing("mountns", &why))?;
        super::mounts::make_private()?;
        // Without it the tripwires are missing, which is said where they are mounted.
        let fuse = if launch.layers.has(Layer::Tripwires) { open_fuse_for_all().ok() } else { None };
        Ok(Self { fuse })
    }
}
