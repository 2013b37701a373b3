//! Files below a folder, without following links: a link out of the tree is not part of it, and a loop has no end.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The most files of one tree.
const MOST: usize = 400_000;

/// Every regular file below `root`, relative to it, sorted. `skip` says which directories are left out, by their path
/// relative to the root.
pub(super) fn files(root: &Path, skip: &dyn Fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() && !skip(&path) {
                open.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
        if found.len() > MOST {
            return Err(io::Error::other(format!("{} holds more than {MOST} files", root.display())));
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a directory holds nothing that its owner wrote: caches and version control.
pub(super) fn is_cache(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    matches!(
        &*name,
        "__pycache__" | ".git" | ".hg" | ".tox" | ".venv" | "target" | ".mypy_cache" | ".ruff_cache" | ".pytest_cache"
    )
}

/// The path as archives spell it.
pub(super) fn spelled(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
