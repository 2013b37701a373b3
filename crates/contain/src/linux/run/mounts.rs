//! The run's view of the files: everything read-only, homes and sockets gone, the work directory writable, tripwires over
//! what must not be read.
//!
//! No target is ever named by a path that the kernel would follow through a link: each is opened with
//! `RESOLVE_NO_SYMLINKS` first, and mounted on by its descriptor (the lesson of CVE-2026-87766 of another sandbox).

use std::collections::BTreeSet;
use std::ffi::CString;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::mount::{MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags};

use super::super::enter::step;
use super::super::sys::{self, NODEV, NOSUID, RDONLY};
use super::decoys;
use crate::run::{Bait, Launch, Layer};
use crate::{ContainError, RunAs};

/// Where things are prepared before they are put in place: covered for a moment, and uncovered again.
const STAGE: &str = "/sys";

/// Copies of the trees that stay in sight, taken before anything is hidden. A caller who is root takes them as root, so that
/// a home that is closed to the run's user can still lend it a work directory and tools.
pub(super) struct Trees {
    work: OwnedFd,
    /// Target and tree; shallow ones first.
    others: Vec<(PathBuf, OwnedFd)>,
    devices: OwnedFd,
}

impl Trees {
    pub(super) fn take(launch: &Launch) -> Result<Self, ContainError> {
        let work =
            clone_tree(&launch.work_dir).map_err(|why| named("take the work directory", &launch.work_dir, &why))?;
        let set = |tree: &OwnedFd, attributes| {
            sys::mount_setattr(tree.as_fd(), true, attributes, 0)
                .map_err(|why| step("set the attributes of a mount", why))
        };
        set(&work, NOSUID | NODEV)?;
        let mut seen_as = None;
        if let Some(RunAs { uid, gid, instead_of: Some(owner) }) = launch.run_as {
            let map = idmap(owner, (uid, gid)).map_err(|why| step("make a user map", why))?;
            sys::mount_idmap(work.as_fd(), map.as_fd())
                .map_err(|why| step("let the run's user own the work directory (an id-mapped mount)", why))?;
            seen_as = Some(map);
        }
        let mut others = Vec::new();
        for (paths, attributes) in
            [(&launch.files.readable, RDONLY | NOSUID | NODEV), (&launch.files.writable, NOSUID | NODEV)]
        {
            for path in paths {
                // What is not there, or not for this user, the run lives without.
                if let Ok(tree) = clone_tree(path) {
                    set(&tree, attributes)?;
                    if let (Some(seen_as), true) =
                        (&seen_as, launch.files.scratch.contains(path) || launch.files.writable.contains(path))
                    {
                        // Where the kernel cannot, it stays what it is for others: readable.
                        drop(sys::mount_idmap(tree.as_fd(), seen_as.as_fd()));
                    }
                    others.push((path.clone(), tree));
                }
            }
        }
        others.sort_by_key(|(path, _)| path.components().count());
        let devices = clone_tree(Path::new("/dev")).map_err(|why| step("take /dev", why))?;
        set(&devices, NOSUID)?;
        Ok(Self { work, others, devices })
    }
}

/// A descriptor on what stands at the path, through no link.
pub(super) fn resolve(path: &Path) -> io::Result<OwnedFd> {
    let how = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), how)?)
}

fn clone_tree(path: &Path) -> io::Result<OwnedFd> {
    clone_of(resolve(path)?.as_fd(), c"")
}

fn clone_of(folder: BorrowedFd<'_>, name: &std::ffi::CStr) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    Ok(rustix::mount::open_tree(folder, name, flags)?)
}

fn attach(tree: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let target = resolve(path)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(rustix::mount::move_mount(tree, c"", target, c"", flags)?)
}

/// The mount namespace is ours: nothing that happens in it is seen outside, nor the other way round.
pub(super) fn make_private() -> Result<(), ContainError> {
    let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", flags).map_err(|why| step("make the mounts private", why))
}

/// The FUSE device, and who is to answer on it as soon as it is mounted: before that a read of it fails.
#[derive(Clone, Copy)]
pub(super) struct Connection<'a> {
    pub(super) device: &'a OwnedFd,
    pub(super) mounted: &'a dyn Fn() -> Result<(), ContainError>,
}

/// Takes the watch on the decoys, and what its numbers stand for.
pub(super) type Watched<'a> = &'a dyn Fn(&OwnedFd, &str) -> Result<(), ContainError>;

/// Puts everything in place. Returns what was passed over.
pub(super) fn build(
    launch: &Launch,
    trees: Option<&Trees>,
    tripwires: Option<Connection<'_>>,
    watched: Watched<'_>,
) -> Result<Vec<String>, ContainError> {
    let mut passed_over = Vec::new();
    if let Some(trees) = trees {
        let root = resolve(Path::new("/")).map_err(|why| step("open /", why))?;
        sys::mount_setattr(root.as_fd(), true, RDONLY | NOSUID | NODEV, 0)
            .map_err(|why| step("make the file system read-only", why))?;
        hide(launch)?;
        devices(launch, trees)?;
        bring_back(launch, trees, &mut passed_over)?;
        protect(launch, &mut passed_over)?;
    }
    stage(launch, tripwires, watched, &mut passed_over)?;
    Ok(passed_over)
}

fn hide(launch: &Launch) -> Result<(), ContainError> {
    let mut hidden: Vec<&PathBuf> = launch.files.hidden.iter().collect();
    hidden.sort_by_key(|path| path.components().count());
    let mut covered: Vec<&PathBuf> = Vec::new();
    for path in hidden {
        if covered.iter().any(|above| path.starts_with(above)) {
            std::fs::create_dir_all(path).map_err(|why| named("make an empty folder for", path, &why))?;
        } else if path.is_dir() {
            let mode = if path.ends_with("tmp") { 0o1777 } else { 0o755 };
            temporary(path, mode, launch.limits.temporary)?;
            covered.push(path);
        }
    }
    Ok(())
}

fn temporary(path: &Path, mode: u32, size: u64) -> Result<(), ContainError> {
    let data = CString::new(format!("mode={mode:o},size={size}")).map_err(|why| step("name a size", why))?;
    mount(c"tmpfs", path, MountFlags::NOSUID | MountFlags::NODEV, &data)
        .map_err(|why| named("put an empty folder over", path, &why))
}

fn mount(kind: &std::ffi::CStr, path: &Path, flags: MountFlags, data: &std::ffi::CStr) -> io::Result<()> {
    let target = resolve(path)?;
    let by_descriptor = format!("/proc/self/fd/{}", target.as_raw_fd());
    Ok(rustix::mount::mount(kind, by_descriptor, kind, flags, data)?)
}

/// The host's device nodes, GPUs included, but terminals, shared memory and queues of our own.
fn devices(launch: &Launch, trees: &Trees) -> Result<(), ContainError> {
    attach(trees.devices.as_fd(), Path::new("/dev")).map_err(|why| step("bring /dev back", why))?;
    if Path::new("/dev/pts").is_dir() {
        let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
        mount(c"devpts", Path::new("/dev/pts"), flags, c"newinstance,ptmxmode=0666,mode=620")
            .map_err(|why| step("make terminals of its own", why))?;
        let own = clone_tree(Path::new("/dev/pts/ptmx")).map_err(|why| step("take the terminals' master", why))?;
        // A link to pts/ptmx, as some containers have it, leads to the right one already.
        drop(attach(own.as_fd(), Path::new("/dev/ptmx")));
    }
    if Path::new("/dev/shm").is_dir() {
        temporary(Path::new("/dev/shm"), 0o1777, launch.limits.temporary)?;
    }
    if Path::new("/dev/mqueue").is_dir() {
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount(c"mqueue", Path::new("/dev/mqueue"), flags, c"")
            .map_err(|why| step("make message queues of its own", why))?;
    }
    Ok(())
}

fn bring_back(launch: &Launch, trees: &Trees, passed_over: &mut Vec<String>) -> Result<(), ContainError> {
    let work = (&launch.work_dir, &trees.work);
    let mut all: Vec<_> = trees.others.iter().map(|(path, tree)| (path, tree)).chain([work]).collect();
    all.sort_by_key(|(path, _)| path.components().count());
    for (path, tree) in all {
        let folder =
            rustix::fs::fstat(tree).is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir());
        ensure(launch, path, folder).map_err(|why| named("make a place for", path, &why))?;
        if folder && launch.files.scratch.contains(path) {
            let (layered, failed) = layer(tree.as_fd(), launch.limits.temporary)?;
            passed_over.extend(failed.map(|why| format!("{} stays read-only: {why}", path.display())));
            attach(layered.as_fd(), path).map_err(|why| named("bring back", path, &why))?;
        } else {
            attach(tree.as_fd(), path).map_err(|why| named("bring back", path, &why))?;
        }
    }
    Ok(())
}

/// The tree with memory over it, which takes what is written: an overlay, made on the stage. It holds on to its layers, and
/// the names by which it was told of them go with the stage. Where the kernel has none, the tree as it was, and why.
fn layer(tree: BorrowedFd<'_>, size: u64) -> Result<(OwnedFd, Option<io::Error>), ContainError> {
    let stage = Path::new(STAGE);
    temporary(stage, 0o700, size)?;
    let [below, above, work, whole] = ["below", "above", "work", "whole"].map(|name| stage.join(name));
    let overlay = || -> io::Result<OwnedFd> {
        let [lower, upper, work] = [&below, &above, &work].map(|path| path.display().to_string());
        let data = CString::new(format!("lowerdir={lower},upperdir={upper},workdir={work},userxattr"))?;
        mount(c"overlay", &whole, MountFlags::NOSUID | MountFlags::NODEV, &data)?;
        clone_tree(&whole)
    };
    let layered = || -> io::Result<(OwnedFd, Option<io::Error>)> {
        for folder in [&below, &above, &work, &whole] {
            std::fs::create_dir(folder)?;
        }
        attach(tree, &below)?;
        match overlay() {
            Ok(overlay) => Ok((overlay, None)),
            Err(why) => Ok((clone_tree(&below)?, Some(why))),
        }
    };
    let layered = layered().map_err(|why| step("put memory over a folder of tools", why));
    rustix::mount::unmount(STAGE, UnmountFlags::DETACH).map_err(|why| step("clear the stage", why))?;
    layered
}

/// A thing to mount on. Made only below what was hidden, where all is ours; what lies elsewhere is there already.
fn ensure(launch: &Launch, path: &Path, folder: bool) -> io::Result<()> {
    let ours = launch.layers.has(Layer::Files) && launch.files.hidden.iter().any(|hidden| path.starts_with(hidden));
    if !ours || path.symlink_metadata().is_ok() {
        return Ok(());
    }
    if folder {
        return std::fs::create_dir_all(path);
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::File::create_new(path).map(drop)
}

/// Read-only on top of writable. Every folder between is pinned by a mount of its own: what is mounted on cannot be renamed,
/// so nobody can move a protected path away and put another in its place.
fn protect(launch: &Launch, passed_over: &mut Vec<String>) -> Result<(), ContainError> {
    let roots: Vec<&PathBuf> = launch.files.writable.iter().chain([&launch.work_dir]).collect();
    let mut pins = BTreeSet::new();
    let fixed = [&launch.files.protected, &launch.files.covered, &launch.files.masked].into_iter().flatten();
    for path in fixed.chain(launch.tripwires.iter().map(|tripwire| &tripwire.path)) {
        let Some(root) = roots.iter().find(|root| path.starts_with(root) && path != **root) else { continue };
        pins.extend(path.ancestors().skip(1).take_while(|above| above != root).map(Path::to_path_buf));
    }
    let pins: Vec<_> = pins.into_iter().filter(|pin| !launch.files.protected.contains(pin)).collect();
    let all = pins.iter().map(|path| (path, 0)).chain(launch.files.protected.iter().map(|path| (path, RDONLY)));
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(path, _)| path.components().count());
    for (path, attributes) in all {
        match clone_tree(path) {
            Ok(tree) => {
                if attributes != 0 {
                    sys::mount_setattr(tree.as_fd(), true, attributes, 0)
                        .map_err(|why| named("make read-only", path, &why))?;
                }
                attach(tree.as_fd(), path).map_err(|why| named("pin", path, &why))?;
            }
            Err(why) => passed_over.push(format!("{}: {why}", path.display())),
        }
    }
    for path in launch.files.covered.iter().filter(|path| path.is_dir()) {
        temporary(path, 0o500, 4096)?;
    }
    Ok(())
}

/// Files put in place, sockets masked, tripwires: each is made on the stage and then bound where it belongs.
fn stage(
    launch: &Launch,
    tripwires: Option<Connection<'_>>,
    watched: Watched<'_>,
    passed_over: &mut Vec<String>,
) -> Result<(), ContainError> {
    let files = launch.layers.has(Layer::Files);
    let tripwires = tripwires.filter(|_| !launch.tripwires.is_empty());
    let decoys = launch.decoys && tripwires.is_none() && !launch.tripwires.is_empty();
    if tripwires.is_none() && !decoys && (!files || launch.places.is_empty() && launch.files.masked.is_empty()) {
        return Ok(());
    }
    let stage = Path::new(STAGE);
    temporary(stage, 0o700, 64 << 20)?;
    let root = resolve(stage).map_err(|why| step("open the stage", why))?;
    if files {
        for (index, place) in launch.places.iter().enumerate() {
            let name = format!("place{index}");
            let made = write_file(&stage.join(&name), &place.content, 0o644);
            made.map_err(|why| named("write what belongs at", &place.path, &why))?;
            put(launch, &root, &name, &place.path, false, passed_over)?;
        }
        write_file(&stage.join("nothing"), b"", 0).map_err(|why| step("make an empty file", why))?;
        for path in &launch.files.masked {
            put(launch, &root, "nothing", path, false, passed_over)?;
        }
    }
    if let Some(Connection { device, mounted }) = tripwires {
        let fuse = stage.join("fuse");
        std::fs::create_dir(&fuse).map_err(|why| step("make a place for the tripwires", why))?;
        let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        let data = format!("fd={},rootmode=40000,user_id={uid},group_id={gid}", device.as_raw_fd());
        let data = CString::new(data).map_err(|why| step("describe the tripwires", why))?;
        mount(c"fuse", &fuse, MountFlags::NOSUID | MountFlags::NODEV, &data)
            .map_err(|why| step("mount the tripwires", why))?;
        mounted()?;
        let root = resolve(&fuse).map_err(|why| step("open the tripwires", why))?;
        for (index, tripwire) in launch.tripwires.iter().enumerate() {
            let folder = !matches!(tripwire.bait, Bait::File | Bait::CanaryFile(_));
            put(launch, &root, &index.to_string(), &tripwire.path, folder, passed_over)?;
        }
    }
    if decoys {
        let (watch, numbers) = decoys::make(stage, &launch.tripwires).map_err(|why| step("make the decoys", why))?;
        for (index, decoy) in launch.tripwires.iter().enumerate() {
            let folder = decoys::is_folder(&decoy.bait);
            put(launch, &root, &decoys::name(index), &decoy.path, folder, passed_over)?;
        }
        watched(&watch, &numbers)?;
    }
    drop(root);
    rustix::mount::unmount(STAGE, UnmountFlags::DETACH).map_err(|why| step("clear the stage", why))
}

fn put(
    launch: &Launch,
    stage: &OwnedFd,
    name: &str,
    path: &Path,
    folder: bool,
    passed_over: &mut Vec<String>,
) -> Result<(), ContainError> {
    let name = CString::new(name).map_err(|why| step("name a file", why))?;
    let tree = clone_of(stage.as_fd(), &name).map_err(|why| named("take what belongs at", path, &why))?;
    // A tripwire answers for itself, and says who tried to write.
    if !name.to_bytes().iter().all(u8::is_ascii_digit) {
        // What is put in place is read, whoever owns it.
        drop(sys::mount_setattr(tree.as_fd(), false, RDONLY, 0));
    }
    let placed = ensure(launch, path, folder).and_then(|()| attach(tree.as_fd(), path));
    if let Err(why) = placed {
        passed_over.push(format!("{}: {why}", path.display()));
    }
    Ok(())
}

fn write_file(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(content)
}

/// `/proc` of the process namespace that the caller is the first process of.
pub(super) fn processes() -> Result<(), ContainError> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount(c"proc", Path::new("/proc"), flags, c"").map_err(|why| step("show only its own processes (/proc)", why))
}

/// A user namespace in which the owner's ids stand for the run's.
fn idmap(owner: (u32, u32), run: (u32, u32)) -> io::Result<OwnedFd> {
    let (ours, theirs) = rustix::pipe::pipe()?;
    match sys::fork()? {
        sys::Side::Child => {
            drop(ours);
            let ready = sys::unshare(libc::CLONE_NEWUSER).is_ok();
            let _ = rustix::io::write(&theirs, if ready { b"y" } else { b"n" });
            // Lives until the parent has opened the namespace and ends it.
            loop {
                std::thread::park();
            }
        }
        sys::Side::Parent(pid) => {
            drop(theirs);
            let mut ready = [0];
            let opened = match rustix::io::read(&ours, &mut ready) {
                Ok(1) if ready == *b"y" => {
                    let file = |name: &str| format!("/proc/{pid}/{name}");
                    std::fs::write(file("uid_map"), format!("{} {} 1", owner.0, run.0))
                        .and_then(|()| std::fs::write(file("gid_map"), format!("{} {} 1", owner.1, run.1)))
                        .and_then(|()| std::fs::File::open(file("ns/user")))
                        .map(OwnedFd::from)
                }
                _ => Err(io::Error::other("no user namespace could be made")),
            };
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            sys::wait(pid);
            opened
        }
    }
}

fn named(verb: &'static str, path: &Path, why: &io::Error) -> ContainError {
    ContainError::Step { step: verb, why: format!("{}: {why}", String::from_utf8_lossy(path.as_os_str().as_bytes())) }
}
