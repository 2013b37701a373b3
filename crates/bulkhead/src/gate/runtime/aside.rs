//! What a run planted in its work directory, although it could not change what was there: hooks, environments, editor and
//! agent configuration that did not exist before. A mount can protect only what exists; the rest is put aside afterwards,
//! where nothing starts it: by the run's supervisor, or, where that was killed, by whoever starts next (`journal`).

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use bulkhead_core::Sha256;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::plan::digest;
use super::sight::{self, Found, MOST, Most};

/// The folder, in the work directory, in which what was planted is kept.
pub const FOLDER: &str = ".bulkhead-aside";

/// What starts programs later and what holds secrets, as it was before the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    work_dir: Exact,
    /// Which folder that is: its name may be another's by the time that somebody looks again.
    number: u64,
    /// Each path, and for a link where it leads.
    kept: Vec<(Exact, Option<Exact>)>,
    /// Files like `.env`, and which they were.
    secrets: Vec<(Exact, u64)>,
    /// Where no mount keeps what is there: each path, and a digest of the files in it.
    #[serde(default)]
    unkept: Vec<(Exact, Sha256)>,
    unprotected: Vec<Exact>,
    skip: Vec<Exact>,
}

/// What is different after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct After {
    /// What was moved, each as it was called in the work directory.
    pub moved: Vec<PathBuf>,
    /// Files with secrets that were not there when the run began, or are others now: no tripwire was before them.
    pub appeared: Vec<PathBuf>,
    /// What starts programs later, was there before, could not be kept, and has changed.
    pub changed: Vec<PathBuf>,
    /// Folders that were not looked at: the run made too many, or closed them.
    pub unseen: Vec<PathBuf>,
}

/// What was found before the run. `kept` where a mount keeps what is there; what is not kept is compared afterwards.
pub fn before(work_dir: &Path, found: &Found, unprotected: &[PathBuf], skip: &[PathBuf], kept: bool) -> Before {
    let exact = |paths: &[PathBuf]| paths.iter().map(|path| Exact(path.clone())).collect();
    let secrets = found.secrets.iter().map(|path| (Exact(path.clone()), number(path))).collect();
    let unkept = if kept { &[][..] } else { &found.protected };
    let unkept = unkept.iter().map(|path| (Exact(path.clone()), state(path))).collect();
    Before {
        unkept,
        number: number(work_dir),
        work_dir: Exact(work_dir.to_owned()),
        kept: found.starts.iter().map(|path| (Exact(path.clone()), fs::read_link(path).ok().map(Exact))).collect(),
        secrets,
        unprotected: exact(unprotected),
        skip: exact(skip),
    }
}

/// Of every file in it: which it is, how long, and when it was changed last, which no program can set back. Byte code is
/// written by whoever starts Python.
fn state(path: &Path) -> Sha256 {
    let (mut files, mut open) = (Vec::new(), vec![path.to_owned()]);
    while let Some(path) = open.pop() {
        let Ok(meta) = path.symlink_metadata() else { continue };
        if meta.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            open.extend(entries.filter(|entry| entry.file_name() != "__pycache__").map(|entry| entry.path()));
        } else {
            let times = (meta.ctime(), meta.ctime_nsec());
            files.push(format!("{} {} {} {times:?}", path.display(), meta.ino(), meta.len()));
        }
    }
    files.sort();
    digest(files.join("\n").as_bytes())
}

fn number(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.ino())
}

/// Looks after the run, and moves what is new out of the way.
///
/// # Errors
/// When something cannot be moved: it is named, and still there.
pub fn put_aside(before: &Before, run: &str) -> io::Result<After> {
    put_aside_within(before, run, MOST)
}

pub(super) fn put_aside_within(before: &Before, run: &str, most: Most) -> io::Result<After> {
    let root = match open_folder(rustix::fs::CWD, &before.work_dir.0, false) {
        // With the folder goes what was in it.
        Err(Errno::NOENT) => return Ok(After::default()),
        Err(Errno::LOOP | Errno::NOTDIR) => return Ok(another()),
        root => root?,
    };
    if rustix::fs::fstat(&root)?.st_ino != before.number {
        return Ok(another());
    }
    let skip: Vec<PathBuf> = before.skip.iter().map(|path| path.0.clone()).collect();
    let work_dir = &before.work_dir.0;
    let found = sight::look(work_dir, &[], &skip, most);
    let mut after = After::default();
    for path in found.starts {
        let now = fs::read_link(&path).ok();
        let kept =
            |(old, link): &(Exact, Option<Exact>)| old.0 == path && link.as_ref().map(|link| &link.0) == now.as_ref();
        if before.kept.iter().any(kept) || before.unprotected.iter().any(|open| path.starts_with(&open.0)) {
            continue;
        }
        // Gone already with the folder above it, or nothing that runs.
        if path.symlink_metadata().is_err() || is_idle(&path) {
            continue;
        }
        let name = path.strip_prefix(work_dir).unwrap_or(&path).to_owned();
        move_aside(&root, &name, run).map_err(|why| {
            io::Error::new(why.kind(), format!("{} was planted and is still there: {why}", name.display()))
        })?;
        after.moved.push(name);
    }
    after.unseen = found.unseen.iter().map(|path| path.strip_prefix(work_dir).unwrap_or(path).to_owned()).collect();
    for (Exact(path), then) in &before.unkept {
        let open = before.unprotected.iter().any(|open| path.starts_with(&open.0));
        if !open && state(path) != *then {
            after.changed.push(path.strip_prefix(work_dir).unwrap_or(path).to_owned());
        }
    }
    for path in found.secrets {
        let number = number(&path);
        if !before.secrets.iter().any(|(old, then)| old.0 == path && *then == number) {
            after.appeared.push(path.strip_prefix(work_dir).unwrap_or(&path).to_owned());
        }
    }
    Ok(after)
}

/// What has the name of the work directory is something else now, and nobody's to change.
fn another() -> After {
    After { unseen: vec![PathBuf::from(".")], ..After::default() }
}

/// Moves it into the run's own folder there. Through no link: whoever runs this may have rights that the run had not, and
/// the run could put a link wherever a folder is expected.
fn move_aside(root: &OwnedFd, name: &Path, run: &str) -> io::Result<()> {
    // Whoever works in the folder looks at what was found there, also when root moved it.
    let open_to_all = Mode::from_raw_mode(0o755);
    let parent = name.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let from = open_folder(root, parent, true)?;
    let mut to = open_folder(root, Path::new("."), true)?;
    let parts = [FOLDER, run].into_iter().map(OsStr::new).chain(parent.iter().filter(|part| *part != "."));
    for part in parts {
        match rustix::fs::mkdirat(&to, part, open_to_all) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(why) => return Err(why.into()),
        }
        to = match open_folder(&to, Path::new(part), true) {
            // Something else has the name, and nobody but the run can have put it there.
            Err(Errno::NOTDIR | Errno::LOOP) => {
                rustix::fs::unlinkat(&to, part, AtFlags::empty())?;
                rustix::fs::mkdirat(&to, part, open_to_all)?;
                open_folder(&to, Path::new(part), true)?
            }
            folder => folder?,
        };
    }
    let last = name.file_name().unwrap_or_default();
    Ok(rustix::fs::renameat(from, last, to, last)?)
}

/// A folder, through no link; with `below` nowhere but below that one.
#[cfg(target_os = "linux")]
fn open_folder(at: impl AsFd, path: &Path, below: bool) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let how = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let how = if below { how | ResolveFlags::BENEATH } else { how };
    rustix::fs::openat2(at, path, flags, Mode::empty(), how)
}

/// Elsewhere there are no runs, and nothing of one is there to be moved.
#[cfg(not(target_os = "linux"))]
fn open_folder(_: impl AsFd, _: &Path, _: bool) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}

/// A short text. Nothing where it is anything but a file: a pipe would have the reader wait for ever.
fn text(path: &Path) -> Option<String> {
    const LONGEST: u64 = 64 << 10;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let meta = file.metadata().ok().filter(|meta| meta.is_file() && meta.len() <= LONGEST)?;
    let mut text = String::new();
    (file.take(LONGEST).read_to_string(&mut text).ok()? as u64 == meta.len()).then_some(text)
}

/// What `git clone` and `git init` leave, and nobody is started by: samples of hooks, and a configuration without programs.
fn is_idle(path: &Path) -> bool {
    let sample = |entry: fs::DirEntry| entry.path().extension().is_some_and(|end| end == "sample");
    let real = path.symlink_metadata().is_ok_and(|meta| !meta.is_symlink());
    match path.file_name().and_then(|name| name.to_str()) {
        Some("hooks") if real => {
            fs::read_dir(path).is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(sample)))
        }
        Some("config") if real => text(path).is_some_and(|text| is_plain_git_config(&text)),
        // What git makes for further work trees and submodules leads to where repositories were looked for.
        Some("commondir") if real => text(path).is_some_and(|text| text.trim_end() == "../.."),
        Some(".git") if real => leads_to_a_repository(path),
        _ => false,
    }
}

fn leads_to_a_repository(path: &Path) -> bool {
    let text = text(path).unwrap_or_default();
    let to = text.trim_end().strip_prefix("gitdir: ").zip(path.parent());
    let real = to.and_then(|(to, folder)| fs::canonicalize(folder.join(to)).ok()).unwrap_or_default();
    let parts: Vec<_> = real.components().map(|part| part.as_os_str()).collect();
    let skipped = parts.iter().any(|part| part.to_str().is_some_and(|part| sight::SKIPPED.contains(&part)));
    !skipped && parts.windows(2).any(|two| two[0] == ".git" && (two[1] == "modules" || two[1] == "worktrees"))
}

/// Whether every line is of the kind that git itself writes for a clone. Whatever else it may say can name a program.
fn is_plain_git_config(text: &str) -> bool {
    const SECTIONS: &[(&str, &[&str])] = &[
        (
            "core",
            &[
                "repositoryformatversion",
                "filemode",
                "bare",
                "logallrefupdates",
                "ignorecase",
                "precomposeunicode",
                "symlinks",
            ],
        ),
        ("remote", &["url", "fetch", "tagopt", "promisor", "partialclonefilter"]),
        ("branch", &["remote", "merge", "rebase"]),
        ("submodule", &["url", "active"]),
        ("extensions", &["objectformat", "partialclone", "refstorage"]),
        ("user", &["name", "email"]),
    ];
    let mut keys: &[&str] = &[];
    text.lines().map(str::trim).filter(|line| !line.is_empty()).all(|line| {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let name = section.split([' ', '.', '"']).next().unwrap_or_default().to_ascii_lowercase();
            keys = SECTIONS.iter().find(|(known, _)| *known == name).map_or(&[], |(_, keys)| keys);
            return !keys.is_empty();
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        // `ext::` and the like are addresses that are programs; a backslash goes on in the next line.
        keys.contains(&key.trim().to_ascii_lowercase().as_str()) && !value.contains("::") && !value.contains('\\')
    })
}

/// A path that is written down and read again byte by byte, whatever it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Exact(PathBuf);

impl Serialize for Exact {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use std::os::unix::ffi::OsStrExt as _;
        to.collect_str(&self.0.as_os_str().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use std::os::unix::ffi::OsStringExt as _;
        let text = String::deserialize(from)?;
        let byte = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
        let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
        let bytes = bytes.ok_or_else(|| serde::de::Error::custom("not a path in hexadecimal"))?;
        Ok(Self(PathBuf::from(std::ffi::OsString::from_vec(bytes))))
    }
}
