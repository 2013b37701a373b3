//! The few file operations that are neither blobs, nor the database, nor the ledger. Errors name the file.

use std::fs::{self, Permissions};
use std::io;
use std::path::Path;

fn named(path: &Path, verb: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {verb} {}: {error}", path.display()))
}

/// The whole text of a file.
///
/// # Errors
/// When it cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    fs::read_to_string(path).map_err(|error| named(path, "read", &error))
}

/// The whole content of a file; `None` when there is none.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(named(path, "read", &error)),
    }
}

/// The whole content of a file.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path).map_err(|error| named(path, "read", &error))
}

/// Writes a file whole or not at all: a temporary file beside it, made durable, then renamed.
///
/// # Errors
/// When any step fails; the old file is untouched then.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let write = || -> io::Result<()> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        let temporary = Path::new(&temporary);
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(temporary, path)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(|error| named(path, "write", &error))
}

/// Makes a folder and its parents. A folder that is made is for its owner only.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| named(path, "make the folder", &error))
}

/// Removes a file.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path).map_err(|error| named(path, "remove", &error))
}

/// Removes a file so that a crash does not bring it back.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_durably(path: &Path) -> io::Result<()> {
    remove(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| named(folder, "sync", &error))
}

/// Overwrites a file's content in place with zeroes, durably.
///
/// # Errors
/// When it cannot be written.
pub fn overwrite(path: &Path) -> io::Result<()> {
    use std::io::Write;
    let write = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).open(path)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        file.write_all(&vec![0; length])?;
        file.sync_all()
    };
    write().map_err(|error| named(path, "overwrite", &error))
}

/// The files and folders in a folder, by name.
///
/// # Errors
/// When it cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    let mut paths = read().map_err(|error| named(folder, "list", &error))?;
    paths.sort();
    Ok(paths)
}

/// Sets a file's mode.
///
/// # Errors
/// When it cannot be set.
pub fn set_mode(path: &Path, mode: Permissions) -> io::Result<()> {
    fs::set_permissions(path, mode).map_err(|error| named(path, "set the mode of", &error))
}

/// A lock on a file, for as long as the value lives.
///
/// # Errors
/// When the file cannot be opened; `Ok(None)` when somebody else holds the lock.
pub fn lock(path: &Path) -> io::Result<Option<fs::File>> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path);
    let file = file.map_err(|error| named(path, "open", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(named(path, "lock", &error)),
    }
}

/// A lock on a file, waited for, for as long as the value lives.
///
/// # Errors
/// When the file cannot be opened or locked.
pub fn turn(path: &Path) -> io::Result<fs::File> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path);
    let file = file.map_err(|error| named(path, "open", &error))?;
    file.lock().map_err(|error| named(path, "lock", &error))?;
    Ok(file)
}
