//! What a run sees of this machine: looked up once, before it starts.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::credentials::{self, PERSISTENT};

/// Folders of the work directory that are looked through for environments and secrets.
const MOST_FOLDERS: usize = 2_000;
const DEEPEST: usize = 3;
/// Never looked into: large, and nothing of the kind is in them.
const SKIPPED: &[&str] = &[
    "node_modules",
    ".git",
    super::aside::FOLDER,
    "__pycache__",
    "target",
    ".tox",
    ".mypy_cache",
    ".ruff_cache",
    ".cache",
];

/// What was found in the work directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// What starts programs later: environments, hooks, editor and agent configuration.
    pub protected: Vec<PathBuf>,
    /// What holds secrets.
    pub secrets: Vec<PathBuf>,
}

/// Looks through the work directory. `credentials` are files outside of which a hard link may lie in it.
pub fn look(work_dir: &Path, credentials: &[PathBuf]) -> Found {
    let identity = |path: &PathBuf| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    let known: Vec<(u64, u64)> = credentials.iter().filter_map(identity).collect();
    let mut found = Found::default();
    for name in PERSISTENT {
        let path = work_dir.join(name);
        if path.symlink_metadata().is_ok_and(|meta| !meta.is_symlink()) {
            found.protected.push(path);
        }
    }
    let mut open = vec![(work_dir.to_owned(), 0)];
    let mut looked = 0;
    while let Some((folder, depth)) = open.pop() {
        looked += 1;
        if looked > MOST_FOLDERS {
            break;
        }
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if path.join("pyvenv.cfg").is_file() {
                    found.protected.push(path);
                } else if depth < DEEPEST && !SKIPPED.contains(&name.as_ref()) {
                    open.push((path, depth + 1));
                }
            } else if kind.is_file() && (credentials::is_dotenv(&name) || is_link_to(&entry, &known)) {
                found.secrets.push(path);
            }
        }
    }
    found.protected.sort();
    found.secrets.sort();
    found
}

/// A second name of a credential file: the name is harmless, the content is not.
fn is_link_to(entry: &fs::DirEntry, known: &[(u64, u64)]) -> bool {
    !known.is_empty()
        && entry.metadata().is_ok_and(|meta| meta.nlink() > 1 && known.contains(&(meta.dev(), meta.ino())))
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
