//! A mirror: every resource of a log at one checkpoint, as plain files, so that the receiver needs the server no more.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backend::{Backend, Folder, absent_as_none};
use crate::checkpoint::Checkpoint;
use crate::edge::{count_at, width_at};
use crate::tile::{TILE_WIDTH, TilePath};
use crate::trust::Trust;
use crate::verify::{Fault, Report, Source, read, verify_note};

#[cfg(test)]
mod tests;

/// A folder with a log's resources as files, as a web server serves them or `wget` fetched them.
#[derive(Debug)]
pub struct Mirror {
    root: PathBuf,
}

impl Mirror {
    /// The resources under that folder.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }
}

impl Source for Mirror {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        absent_as_none(fs::read(self.root.join(path)))
    }
}

/// Every tile and bundle of a tree of that size (C2SP tlog-tiles): full ones, and at most one partial one a level.
pub fn resources(size: u64) -> impl Iterator<Item = TilePath> {
    let tiles =
        (0..8_u8).flat_map(move |level| level_of(size, level, move |at, width| TilePath::hashes(level, at, width)));
    tiles.chain(level_of(size, 0, TilePath::entries))
}

fn level_of(size: u64, level: u8, path: impl Fn(u64, u16) -> TilePath + Copy) -> impl Iterator<Item = TilePath> {
    let full = count_at(size, level) / TILE_WIDTH;
    // Below 256 by definition.
    let partial = width_at(size, level) as u16;
    (0..full).map(move |at| path(at, 256)).chain((partial > 0).then(|| path(full, partial)))
}

/// Copies a log's resources into the folder and verifies the copy; a mirror that is there is brought up to date. The
/// checkpoint is written last, and only when everything that it covers verified: a mirror never shows what it has not.
///
/// # Errors
/// The first thing that is wrong, also when the mirror's own checkpoint is not the past of the new one.
pub fn mirror<S: Source, T: Trust>(source: &S, folder: &Path, trust: &T) -> Result<Report, Fault> {
    let write = |path: &str| {
        let path = path.to_owned();
        move |source| Fault::Read { path, source }
    };
    let copy = Mirror::new(folder);
    let note = read(source, CHECKPOINT)?;
    let checkpoint = trust.check(&note)?.checkpoint;
    let target = Folder::create(folder).map_err(write(CHECKPOINT))?;
    if let Some(kept) = copy.read(CHECKPOINT).map_err(write(CHECKPOINT))? {
        let kept = Checkpoint::read_unverified(&kept)?;
        if kept.size > checkpoint.size {
            return Err(Fault::Shorter { kept: kept.size, found: checkpoint.size });
        }
    }
    let mut files = Vec::new();
    for path in resources(checkpoint.size) {
        let name = path.to_string();
        // Full resources never change; what is there is verified below with the rest.
        if path.is_full() && copy.read(&name).map_err(write(&name))?.is_some() {
            continue;
        }
        files.push((name.clone(), read(source, &name)?));
        if files.len() == TOGETHER {
            target.replace(&std::mem::take(&mut files)).map_err(write(&name))?;
        }
    }
    target.replace(&files).map_err(write("tile"))?;
    let report = verify_note(&copy, &note, trust)?;
    target.replace(&[(CHECKPOINT.to_owned(), note)]).map_err(write(CHECKPOINT))?;
    Ok(report)
}

const CHECKPOINT: &str = "checkpoint";
/// Files that are made durable together while copying.
const TOGETHER: usize = 256;
