//! The file operations a ledger needs, each with what it promises about durability. Tests inject faults here.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

#[cfg(test)]
pub(crate) mod faulty;
#[cfg(test)]
mod tests;

/// A folder as the ledger sees it. Paths are relative, with `/`; nothing but the ledger makes them.
///
/// Readers and the two writing threads use it at the same time; no two threads write the same path.
pub trait Backend: Send + Sync {
    /// Takes that lock until the answer is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] when another process, or another part of this one, has it.
    fn lock(&self, path: &str) -> io::Result<Box<dyn Send + Sync>>;

    /// The whole file, or nothing when there is none. It sees every write before it, durable or not.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// Whether there is such a file.
    ///
    /// # Errors
    /// When that cannot be told.
    fn exists(&self, path: &str) -> io::Result<bool>;

    /// Opens a file for writing, creating it and its folders. When this returns, the file's *name* is durable.
    ///
    /// # Errors
    /// When it cannot be opened; it may then exist or not.
    fn open(&self, path: &str) -> io::Result<Box<dyn SegmentFile>>;

    /// Puts whole files in place, each atomically: a reader, or a start after a crash, sees the old content or the new.
    /// When this returns, all of them are durable. Among each other they have no order.
    ///
    /// # Errors
    /// When one could not be put in place or made durable; any of them may then be old or new.
    fn replace(&self, files: &[(String, Vec<u8>)]) -> io::Result<()>;
}

/// A file that grows at its end.
pub trait SegmentFile: Send {
    /// Writes the bytes at that offset. Nothing is durable yet.
    ///
    /// # Errors
    /// When not all bytes could be written; any part of them may then be in the file.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes the content and the length durable (fdatasync). After an error nothing is known about what was written
    /// since the last success, and this handle must not be used again: the next success could be a lie.
    ///
    /// # Errors
    /// When it may not be durable.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to that length, durably.
    ///
    /// # Errors
    /// When it may not have been cut, or not durably.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

/// A folder of the operating system.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder, created when it is not there.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(root: &Path) -> io::Result<Self> {
        let folder = Self { root: root.to_owned() };
        folder.ensure_folder(root)?;
        Ok(folder)
    }

    /// The folder as it is; for readers, which create nothing.
    pub fn existing(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Creates a folder and those above it, each name durable in its parent.
    fn ensure_folder(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let parent = parent_of(folder);
        self.ensure_folder(parent)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => sync_folder(parent),
        }
    }
}

impl Backend for Folder {
    fn lock(&self, path: &str) -> io::Result<Box<dyn Send + Sync>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(self.at(path))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        absent_as_none(fs::read(self.at(path)))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        self.at(path).try_exists()
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn SegmentFile>> {
        let path = self.at(path);
        let folder = parent_of(&path);
        self.ensure_folder(folder)?;
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
        sync_folder(folder)?;
        Ok(Box::new(file))
    }

    fn replace(&self, files: &[(String, Vec<u8>)]) -> io::Result<()> {
        let mut folders = BTreeSet::new();
        for (path, bytes) in files {
            let path = self.at(path);
            self.ensure_folder(parent_of(&path))?;
            let mut file = File::create(temporary(&path))?;
            file.write_all(bytes)?;
            file.sync_all()?;
        }
        for (path, _) in files {
            let path = self.at(path);
            fs::rename(temporary(&path), &path)?;
            folders.insert(parent_of(&path).to_owned());
        }
        folders.iter().try_for_each(|folder| sync_folder(folder))
    }
}

impl SegmentFile for File {
    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.sync_all()
    }
}

/// `Ok(None)` for a file that is not there.
pub(crate) fn absent_as_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Beside the file, because a rename is atomic only within one file system. A crash leaves it behind and the next
/// replacement overwrites it.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
