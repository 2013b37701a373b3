//! Blobs in a folder: `sha256/ab/abcd...`, and `tmp` for what is not whole yet.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{self, Context};
use bulkhead_core::Sha256;

use super::{Blob, BlobError, BlobWriter, Blobs};

/// Blobs in a folder of this machine.
#[derive(Debug)]
pub struct FolderBlobs {
    root: PathBuf,
    tmp: Arc<Path>,
    next: AtomicU64,
}

impl FolderBlobs {
    /// Opens or creates the folder and removes what an earlier process left unfinished. The caller holds the lock on
    /// the data directory: another process's unfinished files would go too. Returns how many were removed.
    ///
    /// # Errors
    /// [`BlobError`] when the folder cannot be made or read.
    pub fn open(root: &Path) -> Result<(Self, usize), BlobError> {
        let tmp: Arc<Path> = root.join("tmp").into();
        for folder in [&root.join("sha256"), &*tmp] {
            make_folder(folder, true)?;
        }
        let mut swept = 0;
        let read_failed = |cause| BlobError::new("read", &tmp, cause);
        for left in fs::read_dir(&tmp).map_err(read_failed)? {
            let path = left.map_err(read_failed)?.path();
            fs::remove_file(&path).map_err(|cause| BlobError::new("remove", &path, cause))?;
            swept += 1;
        }
        Ok((Self { root: root.to_owned(), tmp, next: AtomicU64::new(0) }, swept))
    }

    fn path_of(root: &Path, digest: &Sha256) -> PathBuf {
        let hex = digest.to_hex();
        root.join("sha256").join(&hex[..2]).join(hex)
    }
}

impl Blobs for FolderBlobs {
    fn begin(&self) -> Result<Box<dyn BlobWriter>, BlobError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.tmp.join(format!("{}-{number}", std::process::id()));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|cause| BlobError::new("create", &path, cause))?;
        let context = Context::new(&digest::SHA256);
        Ok(Box::new(FolderWriter { root: self.root.clone(), path, file, context, len: 0 }))
    }

    fn open(&self, digest: &Sha256) -> Result<Option<Blob>, BlobError> {
        open_blob(&Self::path_of(&self.root, digest), digest)
    }
}

struct FolderWriter {
    root: PathBuf,
    path: PathBuf,
    file: File,
    context: Context,
    len: u64,
}

impl BlobWriter for FolderWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.file.write_all(bytes).map_err(|cause| BlobError::new("write", &self.path, cause))?;
        self.context.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn reader(&self) -> Result<File, BlobError> {
        File::open(&self.path).map_err(|cause| BlobError::new("open", &self.path, cause))
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn finish(mut self: Box<Self>, expected: Sha256) -> Result<Blob, BlobError> {
        let found = super::from_aws(&self.context.clone().finish());
        if found != expected {
            return Err(BlobError::Mismatch { expected, found });
        }
        let target = FolderBlobs::path_of(&self.root, &found);
        // Another request may have brought the same file meanwhile. It is whole, so this one is not needed.
        if let Some(blob) = open_blob(&target, &found)? {
            return Ok(blob);
        }
        self.keep(&target)?;
        // Opened anew: the writer's own handle could still write.
        open_blob(&target, &found)?.ok_or_else(|| BlobError::new("open", &target, io::ErrorKind::NotFound.into()))
    }
}

impl FolderWriter {
    /// The order is what makes "nothing half-stored" true: content on the disk, then the name, then the name on the disk.
    fn keep(&mut self, target: &Path) -> Result<(), BlobError> {
        let read_only = Permissions::from_mode(0o400);
        self.file.set_permissions(read_only).map_err(|cause| BlobError::new("protect", &self.path, cause))?;
        self.file.sync_data().map_err(|cause| BlobError::new("flush", &self.path, cause))?;
        let folder = target.parent().expect("invariant: blobs lie in a folder");
        make_folder(folder, false)?;
        fs::rename(&self.path, target).map_err(|cause| BlobError::new("rename", &self.path, cause))?;
        flush_folder(folder)
    }
}

impl Drop for FolderWriter {
    fn drop(&mut self) {
        match fs::remove_file(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(%error, path = %self.path.display(), "an unfinished file stays until the next start");
            }
        }
    }
}

fn open_blob(path: &Path, digest: &Sha256) -> Result<Option<Blob>, BlobError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(BlobError::new("open", path, cause)),
    };
    let len = file.metadata().map_err(|cause| BlobError::new("measure", path, cause))?.len();
    Ok(Some(Blob { digest: *digest, len, file }))
}

fn make_folder(folder: &Path, with_parents: bool) -> Result<(), BlobError> {
    // A recursive creation says nothing about what was there before, and each flush of its parent waits for the disk.
    if with_parents && folder.is_dir() {
        return Ok(());
    }
    match DirBuilder::new().recursive(with_parents).mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(cause) => return Err(BlobError::new("create", folder, cause)),
    }
    folder.parent().map_or(Ok(()), flush_folder)
}

fn flush_folder(folder: &Path) -> Result<(), BlobError> {
    let flushed = File::open(folder).and_then(|folder| folder.sync_all());
    flushed.map_err(|cause| BlobError::new("flush", folder, cause))
}
