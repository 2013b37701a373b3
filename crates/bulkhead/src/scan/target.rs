//! What somebody names: a file, a folder, an environment, a lockfile; and the parcels in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bulkhead_core::{Ecosystem, Purl};
use bulkhead_detect::ArchiveKind;

use super::installed::{self, Distribution, Site};
use super::pack::Pack;
use super::{LARGEST, Parcel, lock, walk};

/// What is to be looked at.
#[derive(Debug)]
pub struct Target {
    /// In words.
    pub what: String,
    /// What is read by the worker.
    pub work: Vec<Work>,
    /// Releases that are looked up by name.
    pub purls: Vec<String>,
    /// What is left out.
    pub notes: Vec<String>,
}

/// One thing to be packed and read. Packing is done when its turn comes: an environment does not fit into memory.
#[derive(Debug)]
pub enum Work {
    /// An archive as it is.
    Archive(PathBuf),
    /// A distribution of an environment.
    Installed(std::sync::Arc<Site>, Distribution),
    /// What no RECORD of an environment lists.
    Unrecorded(std::sync::Arc<Site>),
    /// A package of `node_modules`.
    Node(PathBuf),
    /// A folder of sources.
    Folder(PathBuf),
}

/// Finds out what a path is.
///
/// # Errors
/// When it cannot be read, or is nothing that can be looked at.
pub fn find(path: &Path) -> io::Result<Target> {
    let metadata =
        fs::metadata(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if metadata.is_file() {
        if lock::is_lockfile(&name) {
            let text = crate::files::read_text(path)?;
            let locked =
                lock::read(&name, &text).map_err(|why| io::Error::other(format!("{}: {why}", path.display())))?;
            let what = format!("a lockfile of {} releases", locked.purls.len());
            return Ok(Target { what, work: Vec::new(), purls: locked.purls, notes: locked.notes });
        }
        let kind = ArchiveKind::of_local(&name);
        if kind == ArchiveKind::Other {
            return Err(io::Error::other(format!(
                "{} is neither an archive of a package, a lockfile nor a folder\n  help: a wheel, sdist, .tgz, .crate, \
                 uv.lock, poetry.lock, pdm.lock, requirements*.txt, package-lock.json, pnpm-lock.yaml, Cargo.lock, a folder, or pkg:pypi/NAME@VERSION",
                path.display()
            )));
        }
        return Ok(one(format!("{} archive", article(kind.as_str())), Work::Archive(path.to_owned())));
    }
    if let Some(sites) = sites(path)? {
        return environment(&sites);
    }
    let modules = path.join("node_modules");
    let modules = if name == "node_modules" { Some(path) } else { modules.is_dir().then_some(modules.as_path()) };
    if let Some(modules) = modules {
        let mut packages = Vec::new();
        node_packages(modules, &mut packages)?;
        let what = format!("node_modules with {} packages", packages.len());
        let work: Vec<Work> = packages.into_iter().map(Work::Node).collect();
        let notes = vec![
            "npm keeps no hash of installed files: a change after the install shows only by what the code does"
                .to_owned(),
        ];
        return Ok(Target { what, work, purls: Vec::new(), notes });
    }
    Ok(one("a folder".to_owned(), Work::Folder(path.to_owned())))
}

fn one(what: String, work: Work) -> Target {
    Target { what, work: vec![work], purls: Vec::new(), notes: Vec::new() }
}

fn article(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}

/// The site-packages folders of an environment, or the folder itself when it is one.
fn sites(path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    if path.join("pyvenv.cfg").is_file() {
        let mut sites = Vec::new();
        for lib in ["lib", "lib64", "Lib"] {
            let lib = path.join(lib);
            if fs::symlink_metadata(&lib).is_ok_and(|found| found.is_symlink()) {
                continue;
            }
            if lib.join("site-packages").is_dir() {
                sites.push(lib.join("site-packages"));
            }
            for python in fs::read_dir(&lib).into_iter().flatten().flatten() {
                let site = python.path().join("site-packages");
                if site.is_dir() && !sites.contains(&site) {
                    sites.push(site);
                }
            }
        }
        sites.sort();
        return Ok(Some(sites));
    }
    let mut entries = fs::read_dir(path)?.flatten();
    let info = entries.any(|entry| entry.file_name().to_string_lossy().ends_with(".dist-info"));
    Ok(info.then(|| vec![path.to_owned()]))
}

fn environment(sites: &[PathBuf]) -> io::Result<Target> {
    let (mut work, mut count) = (Vec::new(), 0);
    for site in sites {
        let site = std::sync::Arc::new(installed::read(site)?);
        count += site.distributions.len();
        work.extend(
            site.distributions.iter().map(|found| Work::Installed(std::sync::Arc::clone(&site), found.clone())),
        );
        work.push(Work::Unrecorded(site));
    }
    let notes = vec![
        "byte code (.pyc) is not looked at, and machine code only compared with RECORD".to_owned(),
        "the standard library and scripts outside site-packages are not looked at".to_owned(),
    ];
    Ok(Target { what: format!("an installed environment of {count} distributions"), work, purls: Vec::new(), notes })
}

/// Every package folder below a `node_modules`, also in those of the packages.
fn node_packages(modules: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(modules)?.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        if !entry.file_type()?.is_dir() || name.to_string_lossy().starts_with('.') && name != ".pnpm" {
            continue;
        }
        if name == ".pnpm" {
            for store in fs::read_dir(&path)?.flatten().filter(|entry| entry.path().join("node_modules").is_dir()) {
                node_packages(&store.path().join("node_modules"), found)?;
            }
        } else if name.to_string_lossy().starts_with('@') {
            node_packages(&path, found)?;
        } else {
            if path.join("package.json").is_file() {
                found.push(path.clone());
            }
            let inner = path.join("node_modules");
            if inner.is_dir() {
                node_packages(&inner, found)?;
            }
        }
    }
    Ok(())
}

impl Work {
    /// What it is called while it is under way.
    pub fn label(&self) -> String {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match self {
            Self::Archive(path) | Self::Node(path) | Self::Folder(path) => name(path),
            Self::Installed(_, found) => found.name.clone(),
            Self::Unrecorded(_) => "what no RECORD lists".to_owned(),
        }
    }

    /// Packs it. Nothing when there is nothing in it.
    ///
    /// # Errors
    /// When it cannot be read or is too large.
    pub fn parcel(&self) -> io::Result<Option<Parcel>> {
        match self {
            Self::Archive(path) => archive(path).map(Some),
            Self::Installed(site, found) => site.parcel(found).map(Some),
            Self::Unrecorded(site) => site.unrecorded(),
            Self::Node(path) => folder(path, ArchiveKind::Npm).map(Some),
            Self::Folder(path) => folder(path, kind_of_folder(path)).map(Some),
        }
    }
}

fn archive(path: &Path) -> io::Result<Parcel> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let kind = ArchiveKind::of_local(&name);
    let file = fs::File::open(path)?;
    Ok(Parcel {
        purl: purl(&name, kind),
        name: name.clone(),
        kind,
        file_name: name,
        file,
        findings: Vec::new(),
        advice: None,
        made: false,
        passed_over: Vec::new(),
    })
}

/// The release that an archive's name promises.
fn purl(file_name: &str, kind: ArchiveKind) -> Option<String> {
    let ecosystem = match kind {
        ArchiveKind::Npm => Ecosystem::Npm,
        ArchiveKind::Crate => Ecosystem::Cargo,
        ArchiveKind::Tree | ArchiveKind::Other => return None,
        _ => Ecosystem::Pypi,
    };
    let name = bulkhead_detect::FileName::of(file_name, kind)?;
    Some(Purl::project(ecosystem, &name.name).ok()?.at(name.version).to_string())
}

/// How a folder of sources is read: by what says how it is built.
fn kind_of_folder(path: &Path) -> ArchiveKind {
    let has = |name: &str| path.join(name).is_file();
    if has("setup.py") || has("PKG-INFO") || has("pyproject.toml") {
        ArchiveKind::SdistTarGz
    } else if has("package.json") {
        ArchiveKind::Npm
    } else if has("Cargo.toml") {
        ArchiveKind::Crate
    } else {
        ArchiveKind::Tree
    }
}

fn folder(path: &Path, kind: ArchiveKind) -> io::Result<Parcel> {
    let package: serde_json::Value = match kind {
        ArchiveKind::Npm => fs::read(path.join("package.json"))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default(),
        _ => serde_json::Value::Null,
    };
    let own = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_else(|| "folder".to_owned());
    let name = package["name"].as_str().unwrap_or(&own).to_owned();
    let version = package["version"].as_str().unwrap_or("0").to_owned();
    let plain = name.replace(['@', '/'], "-").trim_start_matches('-').to_owned();
    let (file_name, top) = match kind {
        ArchiveKind::Npm => (format!("{plain}-{version}.tgz"), "package/".to_owned()),
        ArchiveKind::Crate => (format!("{plain}-0.0.0.crate"), format!("{plain}-0.0.0/")),
        ArchiveKind::SdistTarGz => (format!("{plain}-0.tar.gz"), format!("{plain}-0/")),
        _ => (plain.clone(), String::new()),
    };
    let mut pack = Pack::new(kind)?;
    let skip = |path: &Path| walk::is_cache(path) || path.file_name().is_some_and(|name| name == "node_modules");
    let mut passed_over = Vec::new();
    for file in walk::files(path, &skip)? {
        let full = path.join(&file);
        if fs::symlink_metadata(&full)?.len() <= LARGEST {
            pack.add(&format!("{top}{}", walk::spelled(&file)), &fs::read(&full)?)?;
        } else {
            passed_over.push(walk::spelled(&file).to_string());
        }
    }
    let label = if version == "0" { name.clone() } else { format!("{name} {version}") };
    let purl = (kind == ArchiveKind::Npm && version != "0")
        .then(|| Purl::project(Ecosystem::Npm, &name).ok().map(|project| project.at(version).to_string()))
        .flatten();
    Ok(Parcel {
        name: label,
        purl,
        kind,
        file_name,
        file: pack.finish()?,
        findings: Vec::new(),
        advice: None,
        made: true,
        passed_over,
    })
}
