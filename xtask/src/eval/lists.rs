//! Which archives are meant by a path.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The archive itself, all archives in a folder and below it, or those that a text file names line by line, from its own folder.
pub(crate) fn archives(path: &Path) -> Result<Vec<PathBuf>> {
    let path = fs::canonicalize(path).with_context(|| path.display().to_string())?;
    if is_archive(&path) && path.is_file() {
        return Ok(vec![path]);
    }
    let mut found = Vec::new();
    if path.is_dir() {
        walk(&path, &mut found)?;
        found.sort();
        return Ok(found);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("{} is no archive and no list", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let archive = folder.join(line);
        if !archive.is_file() {
            bail!("{}: {} is not there", path.display(), archive.display());
        }
        found.push(archive);
    }
    Ok(found)
}

/// What a set is called: the names of what it is made of.
pub(super) fn name(paths: &[PathBuf]) -> String {
    let names = paths.iter().map(|path| path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned());
    names.collect::<Vec<_>>().join(" + ")
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else if is_archive(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_archive(path: &Path) -> bool {
    let name = path.to_string_lossy().to_ascii_lowercase();
    [".whl", ".tar.gz", ".tgz", ".tar.bz2", ".zip", ".egg", ".crate"].iter().any(|end| name.ends_with(end))
}
