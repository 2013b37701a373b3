//! One installed distribution: `NAME-VERSION.dist-info` with METADATA and RECORD, or the `.egg-info` of an older installer.

use std::fs::FileType;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_core::{Ecosystem, Purl, Sha256};

use crate::estate::submission::{InventoryItem, MemberFile};

/// A RECORD of a large distribution has tens of thousands of lines.
const LONGEST: u64 = 64 << 20;

/// Whether an older installer left this: a file or folder of that name, in a folder that Python imports from. A source
/// tree has one as well, which says nothing about what is installed.
pub(super) fn is_egg_info(path: &Path, kind: FileType) -> bool {
    let imported = |folder: &Path| folder.ends_with("site-packages") || folder.ends_with("dist-packages");
    path.extension().is_some_and(|end| end == "egg-info")
        && (kind.is_dir() || kind.is_file())
        && path.parent().is_some_and(imported)
}

pub(super) fn item(dist_info: &Path, passed_over: &mut Vec<String>) -> Option<InventoryItem> {
    if dist_info.extension().is_some_and(|end| end == "egg-info") {
        return egg(dist_info, passed_over);
    }
    let read = |name: &str| {
        let path = dist_info.join(name);
        match std::fs::metadata(&path) {
            Ok(meta) if meta.len() <= LONGEST => std::fs::read_to_string(&path).ok(),
            _ => None,
        }
    };
    let folder = dist_info.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some(purl) = read("METADATA").as_deref().and_then(purl).or_else(|| purl_of_folder(&folder)) else {
        passed_over.push(format!("{}: neither METADATA nor its name says what it is", dist_info.display()));
        return None;
    };
    let files = read("RECORD").map(|record| members(&record)).unwrap_or_default();
    if files.is_empty() {
        passed_over.push(format!("{}: RECORD has no file hashes; listed by name only", dist_info.display()));
    }
    Some(InventoryItem { purl: Some(purl.to_string()), sha256: None, files })
}

fn egg(egg_info: &Path, passed_over: &mut Vec<String>) -> Option<InventoryItem> {
    let metadata = if egg_info.is_dir() { egg_info.join("PKG-INFO") } else { egg_info.to_owned() };
    let small = std::fs::metadata(&metadata).is_ok_and(|meta| meta.len() <= LONGEST);
    let text = std::fs::read(&metadata).ok().filter(|_| small);
    let Some(purl) = text.and_then(|text| purl(&String::from_utf8_lossy(&text))) else {
        passed_over.push(format!("{}: does not say what it is", egg_info.display()));
        return None;
    };
    passed_over.push(format!("{}: has no file hashes; listed by name only", egg_info.display()));
    Some(InventoryItem { purl: Some(purl.to_string()), sha256: None, files: Vec::new() })
}

/// The release that METADATA names.
pub(super) fn purl(metadata: &str) -> Option<Purl> {
    let field = |name: &str| {
        let head = metadata.lines().take_while(|line| !line.is_empty());
        head.into_iter().find_map(|line| line.strip_prefix(name)).map(str::trim)
    };
    Some(Purl::project(Ecosystem::Pypi, field("Name:")?).ok()?.at(field("Version:")?))
}

fn purl_of_folder(folder: &str) -> Option<Purl> {
    let (name, version) = folder.strip_suffix(".dist-info")?.split_once('-')?;
    Some(Purl::project(Ecosystem::Pypi, name).ok()?.at(version))
}

/// The files of a RECORD that have a SHA-256. RECORD itself and compiled files have none.
pub(super) fn members(record: &str) -> Vec<MemberFile> {
    record.lines().filter_map(member).collect()
}

fn member(line: &str) -> Option<MemberFile> {
    // `path,sha256=...,size`; a path with a comma is quoted.
    let (rest, _size) = line.rsplit_once(',')?;
    let (path, hash) = rest.rsplit_once(',')?;
    let hash = hash.strip_prefix("sha256=")?;
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(hash.trim_end_matches('=')).ok()?.try_into().ok()?;
    let path = path.strip_prefix('"').and_then(|path| path.strip_suffix('"')).unwrap_or(path).replace("\"\"", "\"");
    Some(MemberFile { path, sha256: Sha256::from_bytes(bytes).to_hex() })
}
