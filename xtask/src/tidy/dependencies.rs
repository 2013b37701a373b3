//! DEPENDENCIES.md has one row for each crate that we chose, and none for one that we no longer use.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use crate::repository::{self, File};

const DOCUMENT: &str = "DEPENDENCIES.md";

pub(crate) fn check(files: &[File]) -> Result<Vec<String>> {
    let text = files.iter().find(|file| file.path == DOCUMENT).and_then(|file| file.text.as_deref());
    let text = text.with_context(|| format!("there is no {DOCUMENT}"))?;
    let members = repository::members()?;
    let own: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let used: BTreeSet<&str> = members
        .iter()
        .flat_map(|member| member.dependencies.keys().map(String::as_str))
        .filter(|name| !own.contains(name))
        .collect();

    let mut found = Vec::new();
    let mut rows = BTreeSet::new();
    for (name, cells) in text.lines().filter_map(row) {
        if !rows.insert(name) {
            found.push(format!("{DOCUMENT}: two rows for {name}"));
        }
        if cells.len() != 4 || cells.iter().any(|cell| cell.is_empty()) {
            found.push(format!(
                "{DOCUMENT}: the row of {name} needs four cells: name, why, licence, what we would do without it"
            ));
        }
    }
    found.extend(used.difference(&rows).map(|name| format!("{DOCUMENT}: no row for {name}")));
    found.extend(rows.difference(&used).map(|name| format!("{DOCUMENT}: {name} is used by no crate")));
    let listed = repository::manifest("Cargo.toml")?;
    let listed = listed["workspace"].get("dependencies").and_then(toml::Value::as_table);
    for name in listed.into_iter().flat_map(toml::Table::keys) {
        if !own.contains(name.as_str()) && !used.contains(name.as_str()) {
            found.push(format!("Cargo.toml: {name} is listed and used by no crate"));
        }
    }
    Ok(found)
}

/// A row `| `name` | why | licence | without |`: the name and all cells.
fn row(line: &str) -> Option<(&str, Vec<&str>)> {
    let cells: Vec<&str> = line.strip_prefix('|')?.trim_end().strip_suffix('|')?.split('|').map(str::trim).collect();
    let name = cells.first()?.strip_prefix('`')?.strip_suffix('`')?;
    Some((name, cells))
}
