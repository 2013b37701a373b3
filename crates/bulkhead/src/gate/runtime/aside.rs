//! What a run planted in its work directory, although it could not change what was there: hooks, environments, editor and
//! agent configuration that did not exist before. A mount can protect only what exists; the rest is put aside afterwards,
//! where nothing starts it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::credentials::PERSISTENT;
use super::sight;

/// The folder, in the work directory, in which what was planted is kept.
pub const FOLDER: &str = ".bulkhead-aside";

/// What starts programs later, as it was before the run: each path, and for a link where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    work_dir: PathBuf,
    kept: Vec<(PathBuf, Option<PathBuf>)>,
    unprotected: Vec<PathBuf>,
}

/// Looks before the run.
pub fn before(work_dir: &Path, unprotected: &[PathBuf]) -> Before {
    let kept = paths(work_dir).into_iter().map(|path| (path.clone(), fs::read_link(path).ok())).collect();
    Before { work_dir: work_dir.to_owned(), kept, unprotected: unprotected.to_vec() }
}

fn paths(work_dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = PERSISTENT.iter().map(|name| work_dir.join(name)).collect();
    paths.extend(sight::look(work_dir, &[]).protected);
    paths.retain(|path| path.symlink_metadata().is_ok());
    paths.sort();
    paths.dedup();
    paths
}

/// Looks after the run, and moves what is new out of the way. What was moved, each as it was called.
///
/// # Errors
/// When something cannot be moved: it is named, and still there.
pub fn put_aside(before: &Before, run: &str) -> io::Result<Vec<PathBuf>> {
    let mut moved = Vec::new();
    for path in paths(&before.work_dir) {
        let now = fs::read_link(&path).ok();
        if before.kept.iter().any(|(old, link)| *old == path && *link == now) || before.unprotected.contains(&path) {
            continue;
        }
        // Gone already with the folder above it.
        if path.symlink_metadata().is_err() {
            continue;
        }
        let name = path.strip_prefix(&before.work_dir).unwrap_or(&path).to_owned();
        let to = before.work_dir.join(FOLDER).join(run).join(&name);
        let done = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::rename(&path, &to));
        done.map_err(|why| {
            io::Error::new(why.kind(), format!("{} was planted and is still there: {why}", name.display()))
        })?;
        moved.push(name);
    }
    Ok(moved)
}
