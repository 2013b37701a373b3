//! What is installed on a machine, in a folder or in an image: read from files, never asked of a package manager that
//! would run something.
//!
//! Python environments by RECORD (PEP 376, PEP 627), node_modules by package.json with every file hashed, lockfiles by
//! what they pin, images by their layer tars.

mod image;
mod lock;
mod node;
mod python;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::submission::{InventoryItem, InventoryReport};

/// Folders deeper than this below the one that was named are not searched.
const DEPTH: usize = 12;
/// Neither installed things nor ways to them.
const PASSED_OVER: &[&str] = &[".git", ".hg", "proc", "sys", "__pycache__", ".cache"];

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// One for each environment.
    pub reports: Vec<InventoryReport>,
    /// What could not be read, and so is not in them.
    pub passed_over: Vec<String>,
}

/// Scans a folder, or a tar of an image's layers.
pub fn scan(host: &str, place: &Path) -> Scan {
    let mut scan = Scan::default();
    if place.is_file() {
        image::scan(host, place, &mut scan);
        return scan;
    }
    let mut found = Found::default();
    if place.file_name().is_some_and(|name| name == "node_modules") {
        found.node_modules.push(place.to_owned());
    } else {
        search(place, 0, &mut found, &mut scan.passed_over);
    }
    for (site, dists) in group(found.dists) {
        let items = dists.iter().filter_map(|dist| python::item(dist, &mut scan.passed_over)).collect();
        scan.add(host, format!("python {}", site.display()), items);
    }
    for modules in found.node_modules {
        let items = node::items(&modules, &mut scan.passed_over);
        scan.add(host, format!("node {}", modules.display()), items);
    }
    for path in found.locks {
        match lock::items(&path) {
            Ok(items) => scan.add(host, format!("lockfile {}", path.display()), items),
            Err(why) => scan.passed_over.push(format!("{}: {why}", path.display())),
        }
    }
    scan
}

impl Scan {
    fn add(&mut self, host: &str, environment: String, items: Vec<InventoryItem>) {
        if !items.is_empty() {
            self.reports.push(InventoryReport { host: host.to_owned(), environment, items });
        }
    }
}

#[derive(Default)]
struct Found {
    /// `.dist-info` and, from installers of long ago, `.egg-info`.
    dists: Vec<PathBuf>,
    node_modules: Vec<PathBuf>,
    locks: Vec<PathBuf>,
}

fn search(folder: &Path, depth: usize, found: &mut Found, passed_over: &mut Vec<String>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return passed_over.push(format!("{}: {error}", folder.display())),
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        // A link is not followed: it may lead in a circle, and what it leads to is found where it is.
        let Ok(kind) = entry.file_type() else { continue };
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let dist = (kind.is_dir() && name.ends_with(".dist-info")) || python::is_egg_info(&path, kind);
        if kind.is_file() && lock::is_lock(&name) {
            found.locks.push(path);
        } else if dist {
            found.dists.push(path);
        } else if kind.is_dir() && name == "node_modules" {
            found.node_modules.push(path);
        } else if kind.is_dir() && !PASSED_OVER.contains(&name.as_str()) {
            if depth >= DEPTH {
                passed_over.push(format!("{}: deeper than {DEPTH} folders", path.display()));
            } else {
                search(&path, depth + 1, found, passed_over);
            }
        }
    }
}

fn group(dists: Vec<PathBuf>) -> std::collections::BTreeMap<PathBuf, Vec<PathBuf>> {
    let mut sites = std::collections::BTreeMap::<PathBuf, Vec<PathBuf>>::new();
    for dist in dists {
        let site = dist.parent().unwrap_or(&dist).to_owned();
        sites.entry(site).or_default().push(dist);
    }
    sites
}
