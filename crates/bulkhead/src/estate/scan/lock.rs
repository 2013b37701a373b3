//! Lockfiles: what they pin, with the SHA-256 of each file where they have it. What is locked is not yet installed; the
//! environment's name says that it is a lockfile.

use std::path::Path;

use bulkhead_core::{Ecosystem, Purl};

use crate::estate::submission::InventoryItem;

const LONGEST: u64 = 64 << 20;

pub(super) fn is_lock(name: &str) -> bool {
    matches!(name, "uv.lock" | "poetry.lock" | "pdm.lock" | "Cargo.lock" | "package-lock.json")
        || (name.starts_with("requirements") && name.ends_with(".txt"))
}

pub(super) fn items(path: &Path) -> Result<Vec<InventoryItem>, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > LONGEST {
        return Err(format!("it is {length} bytes long"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    match path.file_name().unwrap_or_default().to_string_lossy().as_ref() {
        "package-lock.json" => npm(&text),
        "Cargo.lock" => tables(&text, Ecosystem::Cargo),
        name if name.ends_with(".lock") => tables(&text, Ecosystem::Pypi),
        _ => Ok(requirements(&text)),
    }
}

fn tables(text: &str, ecosystem: Ecosystem) -> Result<Vec<InventoryItem>, String> {
    let lock: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let packages = lock.get("package").and_then(toml::Value::as_array).ok_or("it has no [[package]]")?;
    let mut items = Vec::new();
    for package in packages {
        let word = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let (Some(name), Some(version)) = (word("name"), word("version")) else { continue };
        let Ok(purl) = Purl::project(ecosystem, name) else { continue };
        let mut hashes: Vec<String> = word("checksum").map(str::to_owned).into_iter().collect();
        let lists = [package.get("files"), package.get("wheels")].into_iter().flatten();
        for file in lists.filter_map(toml::Value::as_array).flatten().chain(package.get("sdist")) {
            let hash = file.get("hash").and_then(toml::Value::as_str);
            hashes.extend(hash.and_then(|hash| hash.strip_prefix("sha256:")).map(str::to_owned));
        }
        push(&mut items, &purl.at(version), hashes);
    }
    Ok(items)
}

fn npm(text: &str) -> Result<Vec<InventoryItem>, String> {
    let lock: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let packages = lock["packages"].as_object().ok_or("it has no `packages`: write it again with npm 7 or newer")?;
    let mut items = Vec::new();
    for (path, package) in packages {
        let Some((_, name)) = path.rsplit_once("node_modules/") else { continue };
        let name = package["name"].as_str().unwrap_or(name);
        if let (Ok(purl), Some(version)) = (Purl::project(Ecosystem::Npm, name), package["version"].as_str()) {
            // npm's integrity is SHA-512, which nothing else here has.
            push(&mut items, &purl.at(version), Vec::new());
        }
    }
    Ok(items)
}

/// `name==version --hash=sha256:...`, over several lines with `\`.
fn requirements(text: &str) -> Vec<InventoryItem> {
    let mut items = Vec::new();
    for line in text.replace("\\\n", " ").replace("\\\r\n", " ").lines() {
        let line = line.split(" #").next().unwrap_or(line).trim();
        let Some((name, rest)) = line.split_once("==") else { continue };
        let name = name.split('[').next().unwrap_or(name).trim();
        let version: String =
            rest.trim().chars().take_while(|letter| !letter.is_whitespace() && *letter != ';').collect();
        let hashes = rest.split_whitespace().filter_map(|word| word.strip_prefix("--hash=sha256:")).map(str::to_owned);
        if let Ok(purl) = Purl::project(Ecosystem::Pypi, name) {
            push(&mut items, &purl.at(version), hashes.collect());
        }
    }
    items
}

fn push(items: &mut Vec<InventoryItem>, purl: &Purl, hashes: Vec<String>) {
    let purl = purl.to_string();
    let good: Vec<String> = hashes.into_iter().filter(|hash| hash.parse::<bulkhead_core::Sha256>().is_ok()).collect();
    if good.is_empty() {
        items.push(InventoryItem { purl: Some(purl), sha256: None, files: Vec::new() });
    } else {
        let item = |hash| InventoryItem { purl: Some(purl.clone()), sha256: Some(hash), files: Vec::new() };
        items.extend(good.into_iter().map(item));
    }
}
