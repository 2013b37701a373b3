//! An archive as detectors see it: members in order, with digests, and the content of the few that somebody asked for.

use bulkhead_core::Sha256;

use crate::code::Code;
use crate::filename::FileName;
use crate::likeness::Likeness;
use crate::report::ArchiveKind;

/// An archive that was read, as far as it could be.
#[derive(Debug, Clone)]
pub struct Archive {
    /// What the file's name promises.
    pub kind: ArchiveKind,
    /// Project and version as the file's name spells them; `None` when it has no such form.
    pub file_name: Option<FileName>,
    /// Every member, in the order of the archive's bytes.
    pub entries: Vec<Entry>,
    /// Whether every member was read to its end.
    pub readable: bool,
    /// Its code: what it does, and when.
    pub code: Code,
    /// What its code is like.
    pub likeness: Likeness,
}

impl Archive {
    /// The regular files.
    pub fn files(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.kind == EntryKind::File)
    }

    /// The last regular file with exactly this path, which is the one that is left after unpacking.
    pub fn file(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().rfind(|entry| entry.kind == EntryKind::File && entry.path == path)
    }
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path as the archive spells it; control characters and bytes that are not UTF-8 are escaped (and a finding).
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Unpacked bytes.
    pub size: u64,
    /// The digest of its content; `None` when it is no file or could not be read.
    pub sha256: Option<Sha256>,
    /// Its first bytes: what kind of file it is, whatever its name says. Use [`Entry::head`], which knows how many there are.
    pub first: [u8; 8],
    /// Its content, when a detector wanted it and it fits the limits.
    pub content: Option<Vec<u8>>,
}

impl Entry {
    /// Its first bytes, at most eight.
    pub fn head(&self) -> &[u8] {
        &self.first[..usize::try_from(self.size).unwrap_or(usize::MAX).min(self.first.len())]
    }
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link with this target, escaped as a path is.
    Symlink(String),
    /// A hard link to this member, escaped as a path is.
    Hardlink(String),
    /// A device, a pipe, or something no reader agrees on.
    Special,
}
