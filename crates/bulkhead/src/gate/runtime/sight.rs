//! What a run sees of this machine: looked up once, before it starts, and once more when it has ended.

use std::collections::VecDeque;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirEntryExt as _, FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::credentials::{self, ANYWHERE, AT_THE_ROOT};

/// What is looked through at most. A work directory that holds more is named, not looked at in part.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Folders.
    pub folders: usize,
    /// Files and folders.
    pub entries: usize,
}

/// Some seconds of looking on a slow disk.
pub const MOST: Most = Most { folders: 50_000, entries: 2_000_000 };

/// Never looked into: made by tools by the thousand, and started by those tools alone.
pub const SKIPPED: &[&str] =
    &["node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", super::aside::FOLDER];

/// Of a repository of git: what it runs, and what says what it runs.
const OF_GIT: &[&str] = &["hooks", "config", "config.worktree", "info/attributes", "commondir"];

/// What was found in the work directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// What starts programs later, and can be held to its place: environments, hooks, editor and agent configuration. Where
    /// one is a link within the work directory, what it leads to.
    pub protected: Vec<PathBuf>,
    /// All of the kind, by their own names, links among them.
    pub starts: Vec<PathBuf>,
    /// What holds secrets.
    pub secrets: Vec<PathBuf>,
    /// Folders that were not looked at, because there was too much or because they are closed.
    pub unseen: Vec<PathBuf>,
}

/// Looks through the work directory. `credentials` are files of which other names may lie in it, `skip` are folders that
/// somebody answers for.
pub fn look(work_dir: &Path, credentials: &[PathBuf], skip: &[PathBuf], most: Most) -> Found {
    let known = identities(credentials);
    let mut found = Found::default();
    let mut open = VecDeque::from([work_dir.to_owned()]);
    let mut left = most;
    while let Some(folder) = open.pop_front() {
        if left.folders == 0 || left.entries == 0 {
            found.unseen.push(folder);
            continue;
        }
        left.folders -= 1;
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(why) => {
                // Closed to us is closed to the run, unless that could open it.
                let ours = || folder.metadata().is_ok_and(|meta| meta.uid() == rustix::process::geteuid().as_raw());
                let closed = why.kind() == ErrorKind::PermissionDenied && !ours();
                if !closed && why.kind() != ErrorKind::NotFound {
                    found.unseen.push(folder);
                }
                continue;
            }
        };
        let entries: Vec<fs::DirEntry> = entries.flatten().collect();
        left.entries = left.entries.saturating_sub(entries.len());
        let named = |name: &str| entries.iter().any(|entry| entry.file_name() == name);
        let root = folder == work_dir;
        if named("pyvenv.cfg") || named("conda-meta") {
            let inside = ["bin", "lib", "include", "pyvenv.cfg", "conda-meta"].map(|name| folder.join(name));
            let all: &[PathBuf] = if root { &inside } else { std::slice::from_ref(&folder) };
            all.iter().for_each(|path| found.start(path.clone(), work_dir));
            if !root {
                continue;
            }
        }
        if !root && (folder.ends_with(".git") || named("HEAD") && (named("refs") || named("commondir"))) {
            OF_GIT.iter().for_each(|name| found.start(folder.join(name), work_dir));
            // Repositories of submodules and further work trees lie in it.
            open.extend(
                ["modules", "worktrees"].map(|name| folder.join(name)).into_iter().filter(|path| path.is_dir()),
            );
            continue;
        }
        for entry in &entries {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let Ok(kind) = entry.file_type() else { continue };
            let lists = [ANYWHERE, if root { AT_THE_ROOT } else { &[] }];
            for known in lists.into_iter().flatten().filter(|known| first(known) == name) {
                found.start(folder.join(known), work_dir);
            }
            if kind.is_dir() {
                if !SKIPPED.contains(&name.as_ref()) && !skip.contains(&path) {
                    open.push_back(path);
                }
            } else if name == ".git" {
                // Says where the repository is.
                found.start(path, work_dir);
            } else if credentials::is_dotenv(&name) {
                // A link is as good as what it leads to; that is what is covered.
                let real = fs::canonicalize(path).ok();
                found.secrets.extend(real.filter(|path| path.is_file() && !is_of_the_system(path)));
            } else if kind.is_file() && is_link_to(entry, &known) {
                found.secrets.push(path);
            }
        }
    }
    for list in [&mut found.protected, &mut found.starts, &mut found.secrets] {
        list.sort();
        list.dedup();
    }
    found
}

/// Readable for everybody, and needed by most programs: a link to it is no secret, and covering it would break the run.
fn is_of_the_system(path: &Path) -> bool {
    const SYSTEM: &[&str] = &["/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/proc", "/sys", "/dev"];
    SYSTEM.iter().any(|folder| path.starts_with(folder))
}

/// The first part of a name of the lists, which may have two.
fn first(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

impl Found {
    fn start(&mut self, path: PathBuf, work_dir: &Path) {
        let Ok(meta) = path.symlink_metadata() else { return };
        match meta.is_symlink() {
            false => self.protected.push(path.clone()),
            // Where it leads outside, the run cannot write.
            true => self.protected.extend(fs::canonicalize(&path).ok().filter(|real| within(real, work_dir))),
        }
        self.starts.push(path);
    }
}

fn within(path: &Path, folder: &Path) -> bool {
    path.starts_with(folder) && path != folder
}

/// Device and number of each file that has several names.
fn identities(files: &[PathBuf]) -> Vec<(u64, u64)> {
    let several = |path: &PathBuf| fs::metadata(path).ok().filter(|meta| meta.is_file() && meta.nlink() > 1);
    files.iter().filter_map(several).map(|meta| (meta.dev(), meta.ino())).collect()
}

/// A second name of a credential file: the name is harmless, the content is not. The number is in the listing already; only
/// where it fits is the file asked.
fn is_link_to(entry: &fs::DirEntry, known: &[(u64, u64)]) -> bool {
    known.iter().any(|(_, number)| *number == entry.ino())
        && entry.metadata().is_ok_and(|meta| known.contains(&(meta.dev(), meta.ino())))
}

/// Other names of these files below a folder that is in sight as a whole, and those files of which a name was not found.
pub fn other_names(files: &[PathBuf], folder: &Path, most: Most) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let several: Vec<PathBuf> =
        files.iter().filter(|path| !identities(std::slice::from_ref(*path)).is_empty()).cloned().collect();
    if several.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let known = identities(&several);
    let (mut names, mut open, mut left) = (Vec::new(), VecDeque::from([folder.to_owned()]), most.entries);
    while let (Some(folder), true) = (open.pop_front(), left > 0) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            left = left.saturating_sub(1);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push_back(entry.path()),
                Ok(kind) if kind.is_file() && is_link_to(&entry, &known) => names.push(entry.path()),
                _ => {}
            }
        }
    }
    let found = |meta: &fs::Metadata| {
        let same = |path: &&PathBuf| {
            fs::metadata(path).is_ok_and(|other| (other.dev(), other.ino()) == (meta.dev(), meta.ino()))
        };
        names.iter().filter(same).count() as u64
    };
    let incomplete = |path: &&PathBuf| fs::metadata(path).is_ok_and(|meta| found(&meta) < meta.nlink());
    let missing = several.iter().filter(incomplete).cloned().collect();
    names.retain(|path| !files.contains(path));
    (names, missing)
}

/// Folders whose content no run sees: homes, temporary files, and where services keep their sockets and tokens.
pub fn hidden(home: Option<&Path>) -> Vec<PathBuf> {
    let mut hidden: Vec<PathBuf> =
        ["/tmp", "/var/tmp", "/run", "/home", "/root"].into_iter().map(PathBuf::from).collect();
    // Where `/var/run` is a folder of its own and not a link to `/run`.
    hidden.push(PathBuf::from("/var/run"));
    hidden.extend(home.map(Path::to_owned));
    hidden.retain(|path| path.is_dir() && path.symlink_metadata().is_ok_and(|meta| !meta.is_symlink()));
    hidden.sort();
    hidden.dedup();
    hidden
}

/// Tools below the hidden folders: known ones of the home, and whatever PATH and the variables for them name.
pub fn tools(home: Option<&Path>, hidden: &[PathBuf], path: &[PathBuf], named: &[PathBuf]) -> Vec<PathBuf> {
    let mut tools: Vec<PathBuf> =
        home.into_iter().flat_map(|home| credentials::TOOLS.iter().map(|name| home.join(name))).collect();
    let is_hidden = |path: &Path| hidden.iter().any(|hidden| path.starts_with(hidden) && path != hidden);
    for entry in path.iter().filter(|entry| is_hidden(entry)) {
        let parent = entry.parent().filter(|parent| is_hidden(parent));
        // The folder above `bin` is an installation, unless it is where everything of the user is.
        let whole =
            parent.filter(|parent| !parent.ends_with(".local") && entry.ends_with("bin") && Some(*parent) != home);
        tools.push(whole.unwrap_or(entry).to_owned());
    }
    // A variable that names what the home lies in says nothing of tools.
    let is_wide = |path: &Path| home.is_some_and(|home| home.starts_with(path));
    tools.extend(named.iter().filter(|named| is_hidden(named) && !is_wide(named)).cloned());
    let mut real: Vec<PathBuf> = tools.iter().filter_map(|tool| fs::canonicalize(tool).ok()).collect();
    real.sort();
    real.dedup();
    // What lies below another is in sight with it.
    let all = real.clone();
    real.retain(|tool| !all.iter().any(|other| other != tool && tool.starts_with(other)));
    real
}

/// Sockets with a path that somebody on this machine listens on, where the run would see them.
pub fn sockets(hidden: &[PathBuf]) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let mut sockets: Vec<PathBuf> = table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(7))
        .filter(|path| path.starts_with('/'))
        .map(PathBuf::from)
        .filter(|path| !hidden.iter().any(|hidden| path.starts_with(hidden)))
        .filter(|path| path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_socket()))
        .collect();
    sockets.sort();
    sockets.dedup();
    sockets
}

/// What is installed in the environments of the work directory, one `name-version` a line: the names of their metadata folders.
pub fn installed(environments: &[PathBuf]) -> Vec<String> {
    let mut names = Vec::new();
    for environment in environments {
        let Ok(versions) = fs::read_dir(environment.join("lib")) else { continue };
        for packages in versions.flatten().map(|version| version.path().join("site-packages")) {
            let Ok(entries) = fs::read_dir(packages) else { continue };
            names.extend(
                entries.flatten().filter_map(|entry| {
                    entry.file_name().to_string_lossy().strip_suffix(".dist-info").map(str::to_owned)
                }),
            );
        }
    }
    names.sort();
    names
}
