//! Packages of each ecosystem: which of their files are code that starts by itself, when, and how modules are named.

use std::collections::BTreeMap;

use crate::archive::Archive;
use crate::code::{Hook, Root};
use crate::detector::Want;
use crate::lang::View;
use crate::report::ArchiveKind;

mod cargo;
pub(crate) mod npm;
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
        ArchiveKind::Wheel | ArchiveKind::Egg | ArchiveKind::SdistTarGz | ArchiveKind::SdistZip => python::wants(path),
        ArchiveKind::Npm => npm::wants(path),
        ArchiveKind::Crate => cargo::wants(path),
        ArchiveKind::Tree => python::wants(path).max(npm::wants(path)),
        ArchiveKind::Other => Want::Nothing,
    }
}

/// What starts by itself in this archive. May add views of code that stands inside other files (a line of a `.pth`, a
/// lifecycle command).
pub(crate) fn started(archive: &Archive, views: &mut Vec<View>) -> Started {
    match archive.kind {
        ArchiveKind::Wheel | ArchiveKind::Egg | ArchiveKind::SdistTarGz | ArchiveKind::SdistZip => {
            python::started(archive, views)
        }
        ArchiveKind::Npm => npm::started(archive, views),
        ArchiveKind::Crate => cargo::started(archive, views),
        ArchiveKind::Tree => tree(archive, views),
        ArchiveKind::Other => Started::default(),
    }
}

/// A directory holds anything: what starts by itself is what would in each of its packages.
fn tree(archive: &Archive, views: &mut Vec<View>) -> Started {
    let mut all = npm::started(archive, views);
    let python = python::started(archive, views);
    all.roots.extend(python.roots);
    all.hooks.extend(python.hooks);
    all.modules.extend(python.modules);
    all.resolve = Some(|modules, from, module| {
        if crate::lang::javascript::is_script(from) || from.ends_with(".json") || from.ends_with(".gyp") {
            npm::resolve(modules, from, module)
        } else {
            modules.get(module).copied()
        }
    });
    all
}
