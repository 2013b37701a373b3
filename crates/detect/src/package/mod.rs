//! Packages of each ecosystem: which of their files are code that starts by itself, when, and how modules are named.

use std::collections::BTreeMap;

use crate::archive::Archive;
use crate::code::{Hook, Root};
use crate::detector::Want;
use crate::lang::View;
use crate::report::ArchiveKind;

mod python;

/// From the modules, the path of the importing file and the name that it imports, to a view.
pub(crate) type Resolve = fn(&BTreeMap<String, usize>, &str, &str) -> Option<usize>;

/// What starts by itself, and how modules find each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Started {
    /// What starts by itself.
    pub(crate) roots: Vec<Root>,
    /// What declares that.
    pub(crate) hooks: Vec<Hook>,
    /// Module names of this package, as imports write them, to views. For JavaScript: the paths of files.
    pub(crate) modules: BTreeMap<String, usize>,
    /// How an import that is relative to a file becomes a name in `modules`; `None` where imports are absolute.
    pub(crate) resolve: Option<Resolve>,
}

impl Started {
    /// The view of a module as the file at `from` names it.
    pub(crate) fn module(&self, from: &str, module: &str) -> Option<usize> {
        match self.resolve {
            Some(resolve) => resolve(&self.modules, from, module),
            None => self.modules.get(module).copied(),
        }
    }
}

/// How much of a member that declares what starts is wanted.
pub(crate) fn wants(kind: ArchiveKind, path: &str) -> Want {
    match kind {
        ArchiveKind::Wheel | ArchiveKind::Egg | ArchiveKind::SdistTarGz | ArchiveKind::SdistZip | ArchiveKind::Tree => {
            python::wants(path)
        }
        ArchiveKind::Npm | ArchiveKind::Crate | ArchiveKind::Other => Want::Nothing,
    }
}

/// What starts by itself in this archive. May add views of code that stands inside other files (a line of a `.pth`, a
/// lifecycle command).
pub(crate) fn started(archive: &Archive, views: &mut Vec<View>) -> Started {
    match archive.kind {
        ArchiveKind::Wheel | ArchiveKind::Egg | ArchiveKind::SdistTarGz | ArchiveKind::SdistZip | ArchiveKind::Tree => {
            python::started(archive, views)
        }
        ArchiveKind::Npm | ArchiveKind::Crate | ArchiveKind::Other => Started::default(),
    }
}
