//! node_modules: every package by its package.json, with every file of it hashed.

use std::path::Path;

use bulkhead_core::{Ecosystem, Purl};

use crate::estate::submission::{InventoryItem, MemberFile};

/// A file beyond this is listed in no package; it is named among what was passed over.
const LONGEST_FILE: u64 = 512 << 20;

pub(super) fn items(modules: &Path, passed_over: &mut Vec<String>) -> Vec<InventoryItem> {
    let mut items = Vec::new();
    for package in folders(modules) {
        let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('@') {
            for scoped in folders(&package) {
                add(&scoped, &mut items, passed_over);
            }
        } else if name == ".pnpm" {
            // pnpm keeps each package once, as .pnpm/NAME@VERSION/node_modules/NAME, and links to it from elsewhere.
            for kept in folders(&package) {
                items.extend(self::items(&kept.join("node_modules"), passed_over));
            }
        } else if !name.starts_with('.') {
            add(&package, &mut items, passed_over);
        }
    }
    items
}

fn add(package: &Path, into: &mut Vec<InventoryItem>, passed_over: &mut Vec<String>) {
    let manifest = package.join("package.json");
    let purl = std::fs::read_to_string(&manifest).ok().and_then(|text| purl(&text));
    match purl {
        Some(purl) => {
            let mut files = Vec::new();
            hash(package, package, &mut files, passed_over);
            into.push(InventoryItem { purl: Some(purl.to_string()), sha256: None, files });
        }
        None => passed_over.push(format!("{}: names no package and version", manifest.display())),
    }
    let nested = package.join("node_modules");
    if nested.is_dir() {
        into.extend(items(&nested, passed_over));
    }
}

/// The release that package.json names.
pub(super) fn purl(manifest: &str) -> Option<Purl> {
    let json: serde_json::Value = serde_json::from_str(manifest).ok()?;
    let purl = Purl::project(Ecosystem::Npm, json["name"].as_str()?).ok()?;
    Some(purl.at(json["version"].as_str()?)).filter(|purl| purl.version().is_some())
}

fn hash(root: &Path, folder: &Path, into: &mut Vec<MemberFile>, passed_over: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        if kind.is_dir() && entry.file_name() != "node_modules" {
            hash(root, &path, into, passed_over);
        } else if kind.is_file() {
            let small = entry.metadata().is_ok_and(|meta| meta.len() <= LONGEST_FILE);
            match std::fs::read(&path) {
                Ok(bytes) if small => {
                    let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                    into.push(MemberFile { path: name, sha256: crate::blob::sha256(&bytes).to_hex() });
                }
                _ => passed_over.push(format!("{}: cannot be read, or is too large", path.display())),
            }
        }
    }
}

fn folders(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut folders: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
}
