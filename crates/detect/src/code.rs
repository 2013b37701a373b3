//! The code of a package: its files as views, what starts them, and so what it does when.

use bulkhead_core::FindingContext;

use crate::archive::{Archive, EntryKind};
use crate::behaviour::Behaviour;
use crate::detector::Want;
use crate::lang::{ADAPTERS, View};
use crate::report::ArchiveKind;
use crate::{package, reach};

/// Everything known about the code of a package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Code {
    /// One view of each file that an adapter took, in the archive's order.
    pub views: Vec<View>,
    /// What starts code without anybody calling it, and what offers to.
    pub hooks: Vec<Hook>,
    /// Every effect with the earliest context in which it happens, earliest first.
    pub behaviours: Vec<Behaviour>,
    /// For each view and unit, when it runs without being called from outside; `None` where only a caller starts it.
    pub reached: Vec<Vec<Option<FindingContext>>>,
}

/// Something by which a package's code starts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hook {
    /// What kind, a stable word for profiles: `setup.py`, `cmdclass`, `pth`, `npm:postinstall`, `gyp`, `build.rs`, `entry-point:NAME`.
    pub kind: String,
    /// When it runs.
    pub context: FindingContext,
    /// The member that declares it.
    pub path: String,
    /// Line, from 1; 0 where there is none.
    pub line: u32,
    /// What it runs, as declared: a command line, a dotted name, a line of a `.pth`.
    pub runs: String,
}

/// A unit that starts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) context: FindingContext,
    /// Index into [`Code::views`].
    pub(crate) view: usize,
    /// Index into [`View::units`].
    pub(crate) unit: usize,
}

/// How much of the member an adapter wants.
pub(crate) fn wants(kind: ArchiveKind, path: &str) -> Want {
    let read = ADAPTERS.iter().map(|adapter| (adapter.wants)(kind, path)).max().unwrap_or(Want::Nothing);
    read.max(package::wants(kind, path))
}

/// Reads every file that an adapter takes, and follows what starts what.
pub(crate) fn read(archive: &Archive) -> Code {
    let mut views = Vec::new();
    for entry in archive.entries.iter().filter(|entry| entry.kind == EntryKind::File) {
        let Some(content) = entry.content.as_deref() else { continue };
        if let Some(adapter) =
            ADAPTERS.iter().find(|adapter| (adapter.wants)(archive.kind, &entry.path) != Want::Nothing)
        {
            views.push((adapter.view)(&entry.path, content));
        }
    }
    let started = package::started(archive, &mut views);
    let reached = reach::reached(&views, &started);
    let behaviours = reach::behaviours(&views, &reached);
    Code { views, hooks: started.hooks, behaviours, reached }
}
