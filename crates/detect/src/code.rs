//! The code of a package: its files as views, what starts them, and so what it does when.

use std::collections::{HashMap, HashSet};

use bulkhead_core::{FindingContext, Sha256};

use crate::archive::Archive;
use crate::behaviour::Behaviour;
use crate::clones::Shingles;
use crate::detector::Want;
use crate::lang::{ADAPTERS, Adapter, Fidelity, Shape, View};
use crate::likeness::{self, Likeness};
use crate::report::ArchiveKind;
use crate::{package, pickle, profile, reach};

/// Pickles that are told of.
const PICKLES: usize = 100;

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
    /// Pickles that call what runs programs or code when they are loaded: the member, and what it calls.
    pub pickles: Vec<(String, String)>,
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

/// How much of the member is wanted while it flows by: for an adapter, and to compare it with known code.
pub(crate) fn wants(kind: ArchiveKind, path: &str) -> Want {
    let read = ADAPTERS.iter().map(|adapter| (adapter.wants)(kind, path)).max().unwrap_or(Want::Nothing);
    let read = read.max(if likeness::is_code(path) { Want::UpTo(likeness::LARGEST) } else { Want::Nothing });
    read.max(if pickle::is_pickle(path) { Want::UpTo(pickle::LARGEST) } else { Want::Nothing })
}

/// How much of the member is needed once the whole archive was read: what declares hooks and dependencies.
pub(crate) fn needs(kind: ArchiveKind, path: &str) -> Want {
    package::wants(kind, path).max(profile::wants(path))
}

/// The adapter that reads the file.
pub(crate) fn adapter(kind: ArchiveKind, path: &str) -> Option<&'static Adapter> {
    ADAPTERS.iter().copied().find(|adapter| (adapter.wants)(kind, path) != Want::Nothing)
}

/// The code of an archive while it flows by.
pub(crate) struct Passing {
    /// What was read before its turn ([`Passing::early`]), by path and digest of the content.
    early: HashMap<(String, Sha256), View>,
    views: Vec<View>,
    shingles: Shingles<'static>,
    pickles: Vec<(String, String)>,
}

impl Passing {
    pub(crate) fn new() -> Self {
        Self {
            early: HashMap::new(),
            views: Vec::new(),
            shingles: Shingles::new(likeness::known()),
            pickles: Vec::new(),
        }
    }

    /// Reads a file that may become part of the archive: nothing is concluded from it unless a member with the same path and
    /// the same content is.
    pub(crate) fn early(&mut self, kind: ArchiveKind, path: String, content: &[u8], sha256: Sha256) {
        if let Some(adapter) = adapter(kind, &path) {
            let view = (adapter.view)(&path, content);
            self.early.insert((path, sha256), view);
        }
    }

    /// One file, whole.
    pub(crate) fn file(&mut self, kind: ArchiveKind, path: &str, content: &[u8], sha256: Sha256) {
        if let Some(adapter) = adapter(kind, path) {
            let early = match self.early.is_empty() {
                true => None,
                false => self.early.remove(&(path.to_owned(), sha256)),
            };
            self.views.push(early.unwrap_or_else(|| (adapter.view)(path, content)));
        }
        if likeness::is_code(path) && content.len() as u64 <= likeness::LARGEST {
            self.shingles.add(content);
        }
        if pickle::is_pickle(path)
            && self.pickles.len() < PICKLES
            && let Some((module, name)) = pickle::names(content).into_iter().find(pickle::harm)
        {
            self.pickles.push((path.to_owned(), format!("{module}.{name}")));
        }
    }

    /// What starts what, and what the code is like, once every file was seen.
    pub(crate) fn follow(self, archive: &Archive) -> (Code, Likeness) {
        let likeness = Likeness { campaign: self.shingles.campaign(), sketch: self.shingles.sketch() };
        let mut views = self.views;
        unread(archive, &mut views);
        let started = package::started(archive, &mut views);
        let reached = reach::reached(&views, &started);
        let behaviours = reach::behaviours(&views, &reached);
        (Code { views, hooks: started.hooks, behaviours, reached, pickles: self.pickles }, likeness)
    }
}

/// An empty view for every file that would have been read and was too large, so that what starts it is known all the same.
fn unread(archive: &Archive, views: &mut Vec<View>) {
    let read: HashSet<&str> = views.iter().map(|view| view.path.as_str()).collect();
    let large = archive.files().filter(|entry| entry.sha256.is_some() && !read.contains(entry.path.as_str()));
    let found: Vec<View> = large
        .filter_map(|entry| {
            let mut view = (adapter(archive.kind, &entry.path)?.view)(&entry.path, b"");
            view.fidelity = Fidelity::Unread(entry.size);
            view.shape = Shape::default();
            Some(view)
        })
        .collect();
    views.extend(found);
}
