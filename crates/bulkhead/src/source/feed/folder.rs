//! The records in a folder and the folders in it, in the order of their names, so that the digest is of the content.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::document::{Document, Each, holds_records, refused, split};
use crate::store::FeedRefused;

/// A walk through a folder. Only the names of one path down are in memory.
pub(super) struct Walk {
    root: PathBuf,
    /// What is still to be visited, the next one last.
    waiting: Vec<PathBuf>,
    open: Option<Each>,
}

impl Walk {
    pub(super) fn new(root: &Path) -> Result<Self, FeedRefused> {
        let mut walk = Self { root: root.to_owned(), waiting: Vec::new(), open: None };
        walk.enter(root)?;
        Ok(walk)
    }

    fn enter(&mut self, folder: &Path) -> Result<(), FeedRefused> {
        let failed = |cause| refused(folder, cause);
        let mut inside = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // `.git` and the like.
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                inside.push(entry.path());
            }
        }
        inside.sort_unstable_by(|one, other| other.cmp(one));
        self.waiting.append(&mut inside);
        Ok(())
    }

    fn visit(&mut self, path: &Path) -> Result<(), FeedRefused> {
        let kind = fs::symlink_metadata(path).map_err(|cause| refused(path, cause))?.file_type();
        if kind.is_dir() {
            return self.enter(path);
        }
        let place = path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned();
        if !holds_records(&place) {
            return Ok(());
        }
        if !kind.is_file() {
            return Err(FeedRefused(format!(
                "{} is not a file: a feed folder holds its records itself",
                path.display()
            )));
        }
        let file = File::open(path).map_err(|cause| refused(path, cause))?;
        self.open = Some(split(&place, BufReader::new(file))?);
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = Result<Document, FeedRefused>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(document) = self.open.as_mut().and_then(Iterator::next) {
                return Some(document);
            }
            self.open = None;
            let path = self.waiting.pop()?;
            if let Err(refused) = self.visit(&path) {
                return Some(Err(refused));
            }
        }
    }
}
