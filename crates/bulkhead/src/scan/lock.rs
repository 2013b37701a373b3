//! Lockfiles: which releases they name. What is not a release of a registry (a path, a URL, a repository) is a note.

use std::collections::BTreeSet;

use bulkhead_core::{Ecosystem, Purl};

/// What a lockfile names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Locked {
    /// Releases as purls, each once.
    pub purls: Vec<String>,
    /// What is in it and is no release.
    pub notes: Vec<String>,
}

/// Whether a file of this name is a lockfile that can be read.
pub fn is_lockfile(name: &str) -> bool {
    form(name).is_some()
}

/// Reads a lockfile.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn read(name: &str, text: &str) -> Result<Locked, String> {
    let reader = form(name).ok_or_else(|| format!("{name} is no lockfile that Bulkhead knows"))?;
    let mut names = Names::default();
    reader(text, &mut names)?;
    Ok(Locked { purls: names.purls.into_iter().collect(), notes: names.notes.into_iter().collect() })
}

type Reader = fn(&str, &mut Names) -> Result<(), String>;

fn form(name: &str) -> Option<Reader> {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "uv.lock" | "poetry.lock" | "pdm.lock" => Some(python_toml),
        "cargo.lock" => Some(cargo),
        "package-lock.json" | "npm-shrinkwrap.json" => Some(npm),
        "pnpm-lock.yaml" => Some(pnpm),
        _ if lower.starts_with("requirements") && lower.ends_with(".txt") => Some(requirements),
        _ => None,
    }
}

#[derive(Default)]
struct Names {
    purls: BTreeSet<String>,
    notes: BTreeSet<String>,
}

impl Names {
    fn release(&mut self, ecosystem: Ecosystem, name: &str, version: &str) {
        match Purl::project(ecosystem, name) {
            Ok(project) if !version.is_empty() => {
                self.purls.insert(project.at(version).to_string());
            }
            _ => self.note(name, "it names no release"),
        }
    }

    fn note(&mut self, name: &str, why: &str) {
        let name: String = name.chars().filter(|char| !char.is_control()).take(200).collect();
        self.notes.insert(format!("{name}: {why}"));
    }
}

fn packages(text: &str) -> Result<Vec<toml::Table>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let packages = table.get("package").and_then(toml::Value::as_array);
    Ok(packages.into_iter().flatten().filter_map(|package| package.as_table().cloned()).collect())
}

fn word<'t>(table: &'t toml::Table, key: &str) -> &'t str {
    table.get(key).and_then(toml::Value::as_str).unwrap_or_default()
}

/// uv, Poetry and PDM: tables of packages, each with where it comes from when that is not the registry.
fn python_toml(text: &str, names: &mut Names) -> Result<(), String> {
    for package in packages(text)? {
        let (name, version) = (word(&package, "name"), word(&package, "version"));
        let source = package.get("source").and_then(toml::Value::as_table);
        let elsewhere = source.is_some_and(|source| {
            let kind = word(source, "type");
            let own =
                ["git", "url", "path", "directory", "editable", "virtual"].iter().any(|key| source.contains_key(*key));
            own && kind.is_empty() || matches!(kind, "git" | "url" | "file" | "directory")
        });
        if elsewhere {
            names.note(name, "it does not come from a registry");
        } else {
            names.release(Ecosystem::Pypi, name, version);
        }
    }
    Ok(())
}

fn cargo(text: &str, names: &mut Names) -> Result<(), String> {
    for package in packages(text)? {
        let (name, version, source) = (word(&package, "name"), word(&package, "version"), word(&package, "source"));
        match source {
            source if source.starts_with("registry+") || source.starts_with("sparse+") => {
                names.release(Ecosystem::Cargo, name, version);
            }
            "" => {}
            _ => names.note(name, "it does not come from a registry"),
        }
    }
    Ok(())
}

fn npm(text: &str, names: &mut Names) -> Result<(), String> {
    let lock: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let version = |package: &serde_json::Value| package["version"].as_str().unwrap_or_default().to_owned();
    if let Some(packages) = lock["packages"].as_object() {
        for (path, package) in packages {
            let Some((_, name)) = path.rsplit_once("node_modules/") else { continue };
            // An alias installs another package under this name.
            let name = package["name"].as_str().unwrap_or(name);
            let resolved = package["resolved"].as_str().unwrap_or_default();
            if package["link"] == true {
                continue;
            }
            if resolved.starts_with("git") || resolved.starts_with("file:") {
                names.note(name, "it does not come from a registry");
            } else {
                names.release(Ecosystem::Npm, name, &version(package));
            }
        }
        return Ok(());
    }
    // Version 1 nests dependencies in dependencies.
    let mut open = vec![&lock["dependencies"]];
    while let Some(dependencies) = open.pop() {
        for (name, package) in dependencies.as_object().into_iter().flatten() {
            names.release(Ecosystem::Npm, name, &version(package));
            open.push(&package["dependencies"]);
        }
    }
    Ok(())
}

/// The regular part of YAML that pnpm writes: under `packages:`, one key a line at two spaces, `name@1.0.0:`,
/// `/name@1.0.0(peer@2):` or, before version 6, `/name/1.0.0:`.
fn pnpm(text: &str, names: &mut Names) -> Result<(), String> {
    if !text.lines().any(|line| line.starts_with("lockfileVersion:")) {
        return Err("it has no lockfileVersion".to_owned());
    }
    let mut inside = false;
    for line in text.lines() {
        if !line.starts_with(' ') && !line.is_empty() {
            inside = line.trim_end() == "packages:";
            continue;
        }
        let key = line.strip_prefix("  ").filter(|rest| inside && !rest.starts_with(' ')).map(str::trim_end);
        let Some(key) = key.and_then(|key| key.strip_suffix(':')) else { continue };
        let key = key.trim_matches(['\'', '"']);
        let key = key.split('(').next().unwrap_or(key);
        let key = key.strip_prefix('/').unwrap_or(key);
        let at = key.char_indices().skip(1).filter(|&(_, char)| char == '@').last().map(|(at, _)| at);
        let split = at.or_else(|| key.rfind('/')).map(|at| (&key[..at], &key[at + 1..]));
        match split {
            Some((name, version)) if version.starts_with(|char: char| char.is_ascii_digit()) => {
                let version = version.split('_').next().unwrap_or(version);
                names.release(Ecosystem::Npm, name, version);
            }
            _ => names.note(key, "it does not come from a registry"),
        }
    }
    Ok(())
}

/// pip's requirements: `name==version` with whatever hashes and markers follow. What is not pinned is a note.
fn requirements(text: &str, names: &mut Names) -> Result<(), String> {
    for line in text.replace("\\\n", " ").lines() {
        let line = line.split(" #").next().unwrap_or(line).trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('-') {
            if !line.starts_with("--hash") {
                names.note(line, "an option, which is not followed");
            }
            continue;
        }
        let requirement = line.split([';', ' ']).next().unwrap_or(line);
        match requirement.split_once("==") {
            Some((name, version)) if !version.contains('*') => {
                let name = name.split('[').next().unwrap_or(name);
                names.release(Ecosystem::Pypi, name.trim(), version.trim_start_matches('=').trim());
            }
            _ => names.note(line, "it is not pinned to one version"),
        }
    }
    Ok(())
}
