//! No registry host and no path of the machine at hand in a committed file: Bulkhead stands in front of whatever a
//! company uses. The names to look for are asked of the machine's own clients, so that this file holds none.

use std::{collections::BTreeSet, path::Path};

use anyhow::Result;

use crate::{
    repository::{self, File},
    run,
};

/// Folders too general to tell a machine by.
const GENERAL: &[&str] = &["/", "/tmp", "/src", "/home", "/usr", "/opt", "/var", "/mnt", "/root", "/build"];

pub(crate) fn check(files: &[File]) -> Result<Vec<String>> {
    let hosts = registry_hosts();
    let paths = machine_paths();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path != "Cargo.lock") {
        let Some(text) = &file.text else { continue };
        for (number, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            for host in hosts.iter().filter(|host| stands_alone(&lower, host)) {
                // The host itself is printed shortened: what this prints ends up in logs and notes.
                let shown: String = host.chars().take(4).collect();
                found.push(format!("{}:{}: the host of a registry ({shown}...)", file.path, number + 1));
            }
            for path in paths.iter().filter(|path| stands_alone(line, path)) {
                found.push(format!("{}:{}: a path of this machine ({path})", file.path, number + 1));
            }
        }
    }
    Ok(found)
}

/// Hosts of the registries that this machine's clients are set up for.
fn registry_hosts() -> BTreeSet<String> {
    let root = repository::root();
    let mut answers = Vec::new();
    for words in [["-m", "pip", "config", "list"].as_slice(), &["-m", "pip", "download", "--help"]] {
        answers.extend(run::ask("python3", words, root));
    }
    answers.extend(run::ask("npm", &["config", "get", "registry"], root));
    let mut hosts: BTreeSet<String> = answers.iter().flat_map(|answer| hosts_in(answer)).collect();
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    if let Some(index) = home.and_then(|home| std::fs::read_dir(home.join("registry/index")).ok()) {
        for entry in index.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // `<host>-<16 hexadecimal digits>`
            hosts.extend(name.rsplit_once('-').map(|(host, _)| host.to_lowercase()));
        }
    }
    hosts.retain(|host| host.contains('.') && !host.starts_with("127."));
    hosts
}

fn hosts_in(text: &str) -> Vec<String> {
    let after = text.split("://").skip(1);
    let host = |rest: &str| {
        let authority = rest.split(['/', ' ', '\n', '\'', '"', ')', '>', '?']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        host.split(':').next().unwrap_or_default().to_lowercase()
    };
    after.map(host).filter(|host| !host.is_empty()).collect()
}

fn machine_paths() -> BTreeSet<String> {
    let root = repository::root();
    let home = std::env::var("HOME").ok();
    let folders = [Some(root.display().to_string()), root.parent().map(|path| path.display().to_string()), home];
    folders
        .into_iter()
        .flatten()
        .filter(|path| !GENERAL.contains(&path.as_str()))
        .map(|path| format!("{path}/"))
        .collect()
}

/// Whether the name stands in the line as a whole: not as the end of a longer host or path.
fn stands_alone(line: &str, name: &str) -> bool {
    let mut matches = line.match_indices(name);
    matches.any(|(at, _)| {
        !line[..at].ends_with(|letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | '}'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_from_what_clients_print() {
        let printed =
            "global.index-url='https://user:pass@mirror.example:8443/simple'\n (default https://index.example/simple).";
        assert_eq!(hosts_in(printed), ["mirror.example", "index.example"]);
    }

    #[test]
    fn only_a_whole_name_counts() {
        assert!(stands_alone("see https://index.example/x", "index.example"));
        assert!(!stands_alone("see https://myindex.example/x", "index.example"));
        assert!(stands_alone("cd /place/of/clone/x", "/place/of/clone/"));
        assert!(!stands_alone("crates/place/x", "/place/"));
    }
}
