//! Nothing half-stored: not after a mismatch, a crash, or two writers at once.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bulkhead_core::Sha256;
use tempfile::TempDir;

use super::{Blob, BlobError, Blobs, FolderBlobs, sha256};

fn open(root: &Path) -> FolderBlobs {
    FolderBlobs::open(root).expect("opens").0
}

fn keep(blobs: &dyn Blobs, bytes: &[u8]) -> Result<Blob, BlobError> {
    let mut writer = blobs.begin().expect("begins");
    for chunk in bytes.chunks(7) {
        writer.write(chunk).expect("writes");
    }
    assert_eq!(writer.len(), bytes.len() as u64);
    writer.finish(sha256(bytes))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

fn content(mut blob: Blob) -> Vec<u8> {
    let mut bytes = Vec::new();
    blob.file.read_to_end(&mut bytes).expect("reads");
    assert_eq!(bytes.len() as u64, blob.len);
    bytes
}

#[test]
fn the_digest_is_sha256() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sha256(b"abc").to_hex(), abc, "FIPS 180-2, appendix B.1");
}

#[test]
fn a_file_comes_back_whole_and_read_only() {
    let folder = TempDir::new().expect("a folder");
    let blobs = open(folder.path());
    for bytes in [b"".as_slice(), b"x", &[7; 100_000]] {
        let digest = sha256(bytes);
        assert!(blobs.open(&digest).expect("answers").is_none());
        let kept = keep(&blobs, bytes).expect("keeps");
        assert_eq!((kept.digest, kept.len), (digest, bytes.len() as u64));
        assert_eq!(content(kept), bytes, "what is given back is at its start");
        assert_eq!(content(blobs.open(&digest).expect("answers").expect("is here")), bytes);
        let hex = digest.to_hex();
        let path = folder.path().join("sha256").join(&hex[..2]).join(&hex);
        assert_eq!(fs::metadata(path).expect("is at its place").permissions().mode() & 0o777, 0o400);
    }
}

#[test]
fn another_file_than_promised_leaves_nothing() {
    let folder = TempDir::new().expect("a folder");
    let blobs = open(folder.path());
    let promised = Sha256::from_bytes([1; 32]);
    let mut writer = blobs.begin().expect("begins");
    writer.write(b"something else").expect("writes");
    let error = writer.finish(promised).expect_err("another file");
    let found = sha256(b"something else");
    assert!(matches!(error, BlobError::Mismatch { expected, found: own } if expected == promised && own == found));
    assert_eq!(error.to_problem().code.status(), 502);
    assert_eq!(files_below(folder.path()), Vec::<PathBuf>::new());
}

#[test]
fn what_came_so_far_can_be_read_and_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = open(folder.path());
    let mut writer = blobs.begin().expect("begins");
    writer.write(b"all of it").expect("writes");
    let mut reader = writer.reader().expect("opens");
    let blob = writer.finish(sha256(b"all of it")).expect("keeps");
    // It is the same file still, although its name is another by now.
    let mut text = String::new();
    std::io::Read::read_to_string(&mut reader, &mut text).expect("reads");
    assert_eq!((text.as_str(), blob.len), ("all of it", 9));
    std::io::Write::write_all(&mut reader, b"x").expect_err("reading only");
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let folder = TempDir::new().expect("a folder");
    let blobs = open(folder.path());
    let mut writer = blobs.begin().expect("begins");
    writer.write(b"half a fi").expect("writes");
    assert_eq!(files_below(folder.path()).len(), 1);
    drop(writer);
    assert_eq!(files_below(folder.path()), Vec::<PathBuf>::new());
}

/// A crash is a writer that is never dropped. The start after it sweeps, and whole files stay.
#[test]
fn a_crash_is_swept_at_the_next_start() {
    let folder = TempDir::new().expect("a folder");
    let blobs = open(folder.path());
    let mut writer = blobs.begin().expect("begins");
    writer.write(b"half a fi").expect("writes");
    std::mem::forget(writer);
    keep(&blobs, b"whole").expect("keeps");
    drop(blobs);
    let (blobs, swept) = FolderBlobs::open(folder.path()).expect("opens again");
    assert_eq!(swept, 1);
    assert_eq!(files_below(folder.path()).len(), 1);
    assert_eq!(content(blobs.open(&sha256(b"whole")).expect("answers").expect("is here")), b"whole");
}

#[test]
fn the_same_file_twice_is_one() {
    let folder = TempDir::new().expect("a folder");
    let blobs = open(folder.path());
    let bytes = [9; 50_000];
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(content(keep(&blobs, &bytes).expect("keeps")), bytes));
        }
    });
    assert_eq!(files_below(folder.path()).len(), 1);
}

#[test]
fn a_full_disk_is_its_own_class() {
    let cause = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = BlobError::new("write", Path::new("/data/blobs"), cause());
    assert!(error.is_full() && error.to_string().contains("/data/blobs"), "{error}");
    let other = BlobError::new("write", Path::new("/data"), std::io::ErrorKind::PermissionDenied.into());
    assert!(!other.is_full());
    assert_eq!([error, other].map(|error| error.to_problem().code.status()), [503, 503]);
}

/// `/dev/full` refuses every write for want of space, as a full disk does, and needs no full disk.
#[test]
fn the_system_says_full_in_the_way_that_is_expected() {
    use std::io::Write as _;
    let mut full = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let cause = full.write_all(b"x").expect_err("is full");
    assert!(BlobError::new("write", Path::new("/dev/full"), cause).is_full());
}
