//! What a package asks for, from where its ecosystem declares it. Read for comparison, never to resolve.

use std::collections::BTreeSet;

use super::{Dependency, make::stable_path, most};
use crate::archive::Archive;
use crate::detector::Want;
use crate::detectors::place;
use crate::filename::normal_name;
use crate::metadata;
use crate::text;

/// The files that declare dependencies and that nobody else keeps.
pub(crate) fn wants(path: &str) -> Want {
    if path.rsplit('/').next() == Some("setup.py") && path.matches('/').count() <= 1 {
        Want::UpTo(1 << 20)
    } else {
        Want::Nothing
    }
}

/// Every dependency, sorted, each once.
pub(crate) fn of(archive: &Archive) -> Vec<Dependency> {
    let mut all = BTreeSet::new();
    if let Some(content) = place::core_metadata(archive).and_then(|entry| entry.content.as_deref()) {
        all.extend(metadata::values(content, "Requires-Dist").iter().filter_map(|line| python(line)));
    }
    for entry in archive.files() {
        let Some(content) = entry.content.as_deref() else { continue };
        match stable_path(archive, &entry.path).as_str() {
            "setup.py" => all.extend(literals(content).iter().filter_map(|line| python(line))),
            "package.json" => all.extend(npm(content)),
            "Cargo.toml" => all.extend(cargo(content)),
            _ => {}
        }
    }
    all.into_iter().collect()
}

/// One requirement as PEP 508 writes it: `name[extra] (>=1) ; marker`, `name @ URL`.
fn python(line: &str) -> Option<Dependency> {
    let line = line.trim();
    let end = line.find(|char: char| !(char.is_ascii_alphanumeric() || "-_.".contains(char))).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if !name.starts_with(|char: char| char.is_ascii_alphanumeric()) {
        return None;
    }
    let rest = rest.trim();
    let marker = rest.split_once(';').map_or("", |(_, marker)| marker);
    Some(made(normal_name(name), rest, rest.contains("://"), marker.contains("extra")))
}

/// The texts of `install_requires=[...]` in a `setup.py`: literals only, as the delta needs what is written, not what would
/// be computed.
fn literals(content: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(&content[..content.len().min(1 << 20)]);
    let Some((_, after)) = text.split_once("install_requires") else { return Vec::new() };
    let after = after.trim_start();
    let Some(after) = after.strip_prefix('=').map(str::trim_start).and_then(|after| after.strip_prefix('[')) else {
        return Vec::new();
    };
    let list = after.split_once(']').map_or("", |(list, _)| list);
    let mut found = Vec::new();
    let mut rest = list;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = rest.as_bytes()[at] as char;
        let Some((text, next)) = rest[at + 1..].split_once(quote) else { break };
        found.push(text.to_owned());
        rest = next;
    }
    found
}

fn npm(content: &[u8]) -> Vec<Dependency> {
    let Ok(serde_json::Value::Object(package)) = serde_json::from_slice(content) else { return Vec::new() };
    let sections = [("dependencies", false), ("optionalDependencies", false), ("peerDependencies", true)];
    let mut found = Vec::new();
    for (section, optional) in sections {
        let Some(serde_json::Value::Object(entries)) = package.get(section) else { continue };
        for (name, wants) in entries {
            let wants = wants.as_str().unwrap_or_default();
            // `git+ssh:`, `https:`, `github:owner/name`, `owner/name`, `file:`; not `npm:other@1` or `workspace:*`.
            let url = wants.contains("://")
                || ["git", "github:", "gitlab:", "bitbucket:", "gist:", "file:"].iter().any(|p| wants.starts_with(p))
                || (wants.contains('/') && !wants.starts_with("npm:") && !wants.starts_with('@'));
            found.push(made(name.clone(), wants, url, optional));
        }
    }
    found
}

/// The tables of dependencies in a manifest as cargo writes it for the registry: one key a line, or a table each.
fn cargo(content: &[u8]) -> Vec<Dependency> {
    let text = String::from_utf8_lossy(content);
    let (mut found, mut section, mut own): (Vec<Dependency>, Option<bool>, Option<String>) = (Vec::new(), None, None);
    for line in text.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            (section, own) = cargo_table(table);
            if let (Some(optional), Some(name)) = (section, &own) {
                found.push(made(name.clone(), "", false, optional));
            }
            continue;
        }
        let (Some(optional), Some((key, value))) = (section, line.split_once('=')) else { continue };
        let (key, value) = (key.trim().trim_matches('"'), value.trim());
        match (&own, found.last_mut()) {
            (None, _) => {
                let url = value.contains("git =") || value.contains("git=");
                found.push(made(
                    key.to_owned(),
                    value.trim_matches('"'),
                    url,
                    optional || value.contains("optional = true"),
                ));
            }
            (Some(_), Some(last)) => match key {
                "version" => last.wants = text::excerpt(value.trim_matches('"').as_bytes(), most::TEXT),
                "git" => last.url = true,
                "optional" => last.optional |= value == "true",
                _ => {}
            },
            (Some(_), None) => {}
        }
    }
    found
}

/// Whether a table is of dependencies, and then whether they are optional; and the one that the table is about.
fn cargo_table(table: &str) -> (Option<bool>, Option<String>) {
    let parts: Vec<&str> = table.split('.').map(|part| part.trim_matches('"')).collect();
    let at = parts.iter().position(|part| matches!(*part, "dependencies" | "build-dependencies" | "dev-dependencies"));
    match at {
        Some(at) => (Some(parts[at] == "dev-dependencies"), parts.get(at + 1).map(|name| (*name).to_owned())),
        None => (None, None),
    }
}

fn made(name: String, wants: &str, url: bool, optional: bool) -> Dependency {
    let short = |text: &str| text::excerpt(text.as_bytes(), most::TEXT);
    Dependency { name: short(&name), wants: short(wants), url, optional }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(found: &[Dependency]) -> Vec<String> {
        let mark = |on: bool, word: &'static str| if on { word } else { "" };
        found.iter().map(|d| format!("{}{}{}", d.name, mark(d.url, " url"), mark(d.optional, " optional"))).collect()
    }

    #[test]
    fn each_ecosystem_is_read_where_it_declares() {
        let python: Vec<Dependency> =
            ["A_b (>=1)", "c @ git+https://x.test/c", "d; extra == 'all'", "; broken", "e[f]>=2;x"]
                .iter()
                .filter_map(|line| super::python(line))
                .collect();
        assert_eq!(words(&python), ["a-b", "c url", "d optional", "e"]);
        let setup = b"setup(name='x', install_requires = [\n  'a>=1', \"b ; python_version < '3'\",\n],\n other=['c'])";
        assert_eq!(literals(setup), ["a>=1", "b ; python_version < '3'"]);
        assert_eq!(literals(b"install_requires=read('x')"), [""; 0]);
        let package = br#"{"dependencies":{"a":"^1","b":"git+ssh://x.test/b","c":"o/c","@s/d":"npm:@s/e@1"},"peerDependencies":{"p":"*"}}"#;
        assert_eq!(words(&npm(package)), ["@s/d", "a", "b url", "c url", "p optional"]);
        assert_eq!(npm(b"[1]"), []);
        let manifest = b"[package]\nname = \"x\"\n[dependencies]\na = \"1\"\nb = { git = \"https://x.test/b\" }\n\
            [target.'cfg(unix)'.dependencies.c]\nversion = \"2\"\noptional = true\n[dev-dependencies]\nt = \"1\"\n[features]\nf = []\n";
        assert_eq!(words(&cargo(manifest)), ["a", "b url", "c optional", "t optional"]);
    }
}
