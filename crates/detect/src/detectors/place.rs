//! Where the members of a package end up once it is installed.

use std::collections::BTreeSet;

use crate::archive::{Archive, Entry};
use crate::filename::{FileName, normal_name, normal_version};
use crate::report::ArchiveKind;
use crate::unpack::path;

/// Where in a start-up directory (site-packages, or on Windows the prefix itself) a wheel's member is installed; `None`
/// when it goes somewhere else. As pip does it: every top-level `*.data` directory is spread over the schemes.
pub(crate) fn site_path(member: &str) -> Option<String> {
    let normal = path::normal(member);
    let mut components = normal.split('/');
    let first = components.next()?;
    if !first.to_ascii_lowercase().ends_with(".data") {
        return Some(normal);
    }
    let scheme = components.next()?.to_ascii_lowercase();
    let rest: Vec<&str> = components.collect();
    match scheme.as_str() {
        "purelib" | "platlib" => Some(rest.join("/")),
        "data" => {
            // The prefix is itself a start-up directory on Windows, and what is put among the standard library's modules
            // (`lib/python3.12/`, `Lib/`) is found before anything in site-packages.
            let lower: Vec<String> = rest.iter().map(|component| component.to_ascii_lowercase()).collect();
            let site = lower.iter().position(|c| c == "site-packages" || c == "dist-packages").map(|at| at + 1);
            let library = || match lower.as_slice() {
                [lib, python, ..] if lib.starts_with("lib") && python.starts_with("python") => 2,
                [lib, ..] if lib == "lib" => 1,
                _ => 0,
            };
            Some(rest[site.unwrap_or_else(library)..].join("/"))
        }
        _ => None,
    }
}

/// The same for a member directly in a start-up directory: its file name.
pub(crate) fn site_file(member: &str) -> Option<String> {
    site_path(member).filter(|path| !path.is_empty() && !path.contains('/'))
}

/// The top-level directories of a wheel that end in `.dist-info` in any case.
pub(crate) fn dist_infos(archive: &Archive) -> BTreeSet<&str> {
    archive
        .entries
        .iter()
        .filter_map(|entry| entry.path.split_once('/'))
        .map(|(first, _)| first)
        .filter(|first| first.to_ascii_lowercase().ends_with(".dist-info"))
        .collect()
}

/// The one `.dist-info` directory that belongs to the file's name, else the only one there is.
pub(crate) fn dist_info(archive: &Archive) -> Option<&str> {
    let all = dist_infos(archive);
    let own = all.iter().copied().find(|directory| {
        let stem = &directory[..directory.len() - ".dist-info".len()];
        archive.file_name.as_ref().zip(stem.rsplit_once('-')).is_some_and(|(file, (name, version))| {
            normal_name(&file.name) == normal_name(name) && normal_version(&file.version) == normal_version(version)
        })
    });
    own.or_else(|| all.into_iter().next())
}

/// The core metadata file of the release.
pub(crate) fn core_metadata(archive: &Archive) -> Option<&Entry> {
    match archive.kind {
        ArchiveKind::Wheel => archive.file(&format!("{}/METADATA", dist_info(archive)?)),
        ArchiveKind::Egg => archive.file("EGG-INFO/PKG-INFO"),
        _ if !archive.kind.is_python() => None,
        _ => {
            let own =
                |entry: &&Entry| archive.file_name.as_ref().is_some_and(|file| is_directory_of(file, &entry.path));
            let all = || archive.files().filter(|entry| is_sdist_metadata(&entry.path));
            all().find(own).or_else(|| all().next())
        }
    }
}

/// Whether the path's first directory is `{name}-{version}` of that file.
fn is_directory_of(file: &FileName, path: &str) -> bool {
    let first = path.strip_prefix("./").unwrap_or(path).split('/').next().unwrap_or_default();
    first
        .strip_suffix(file.version.as_str())
        .and_then(|name| name.strip_suffix('-'))
        .is_some_and(|name| normal_name(name) == normal_name(&file.name))
}

/// `{directory}/PKG-INFO`, or at the root as a few old archives have it.
pub(crate) fn is_sdist_metadata(path: &str) -> bool {
    let path = path.strip_prefix("./").unwrap_or(path);
    match path.split_once('/') {
        None => path == "PKG-INFO",
        Some((_, rest)) => rest == "PKG-INFO",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_land_where_pip_puts_them() {
        for (member, site) in [
            ("a.pth", Some("a.pth")),
            ("./a.pth", Some("a.pth")),
            ("pkg/a.pth", Some("pkg/a.pth")),
            ("x-1.data/purelib/a.pth", Some("a.pth")),
            ("other.data/platlib/p/a.pth", Some("p/a.pth")),
            ("x-1.data/data/a.pth", Some("a.pth")),
            ("x-1.data/data/lib/python3.11/site-packages/a.pth", Some("a.pth")),
            ("x-1.data/data/lib/python3.11/a.py", Some("a.py")),
            ("x-1.data/data/Lib/a.py", Some("a.py")),
            ("x-1.data/data/share/a.pth", Some("share/a.pth")),
            ("x-1.data/scripts/a.pth", None),
            ("x-1.data/headers/a.pth", None),
        ] {
            assert_eq!(site_path(member).as_deref(), site, "{member}");
        }
    }
}
