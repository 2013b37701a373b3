//! `cargo xtask budget`: how much code of others the product carries, against xtask/budget.toml.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use crate::{repository, run};

/// Counts every crate that budget.toml names, prints the table, and fails above a limit.
pub(crate) fn check() -> Result<()> {
    let over = measure(true)?;
    if !over.is_empty() {
        bail!("over budget (xtask/budget.toml):\n  {}", over.join("\n  "));
    }
    Ok(())
}

/// One line per number that is over its limit.
pub(crate) fn measure(print: bool) -> Result<Vec<String>> {
    let budget = repository::manifest("xtask/budget.toml")?;
    let target = budget["target"].as_str().context("budget.toml has no target")?;
    let mut over = Vec::new();
    for (package, limits) in budget.iter().filter_map(|(name, value)| Some((name, value.as_table()?))) {
        let tree = Tree::of(package, target)?;
        if print {
            println!("\n== budget of {package}");
        }
        let mut count = |what: &str, names: &[String]| {
            let Some(limit) = limits.get(what).and_then(toml::Value::as_integer) else { return };
            let number = names.len();
            if print {
                let shown = if number <= 16 { format!("  {}", names.join(", ")) } else { String::new() };
                println!("  {what:<12} {number:>4} of {limit:<4}{shown}");
            }
            if i64::try_from(number).is_ok_and(|number| number > limit) {
                over.push(format!("{package}: {what} {number}, limit {limit}: {}", names.join(", ")));
            }
        };
        count("crates", &tree.all());
        count("direct", &direct(package)?);
        count("duplicates", &tree.duplicates());
        count("proc-macros", &tree.proc_macros());
        over.extend(names_over(package, limits, &tree));
    }
    Ok(over)
}

/// The limits that are lists of names: `sys` (no other crate that binds C) and `forbidden`.
fn names_over(package: &str, limits: &toml::Table, tree: &Tree) -> Vec<String> {
    let list = |key: &str| -> Option<BTreeSet<&str>> {
        Some(limits.get(key)?.as_array()?.iter().filter_map(toml::Value::as_str).collect())
    };
    let mut over = Vec::new();
    if let Some(known) = list("sys") {
        let present: BTreeSet<&str> = tree.names().filter(|name| name.ends_with("-sys")).collect();
        over.extend(
            present.difference(&known).map(|name| format!("{package}: {name} binds C and is not in the list `sys`")),
        );
        over.extend(
            known.difference(&present).map(|name| format!("{package}: {name} is listed in `sys` but no longer there")),
        );
    }
    if let Some(forbidden) = list("forbidden") {
        let present: BTreeSet<&str> = tree.names().collect();
        over.extend(forbidden.intersection(&present).map(|name| format!("{package}: {name} must not be in its tree")));
    }
    over
}

fn direct(package: &str) -> Result<Vec<String>> {
    let members = repository::members()?;
    let own: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let member =
        members.iter().find(|member| member.name == package).with_context(|| format!("no member {package}"))?;
    let names = member.dependencies.iter().filter(|(name, for_tests)| !**for_tests && !own.contains(name.as_str()));
    Ok(names.map(|(name, _)| name.clone()).collect())
}

/// What a package is built from: name and versions, and which are procedural macros.
pub(crate) struct Tree {
    versions: BTreeMap<String, BTreeSet<String>>,
    macros: BTreeSet<String>,
    /// `name version` to licence expression.
    pub(crate) licences: BTreeMap<String, String>,
}

impl Tree {
    /// The tree of the package without its tests, our own crates left out.
    pub(crate) fn of(package: &str, target: &str) -> Result<Self> {
        let words = ["tree", "-p", package, "-e", "normal,build", "--target", target, "--prefix", "none"];
        let listing = run::cargo_output(&[words.as_slice(), &["--format", "{p}|{l}"]].concat())?;
        Ok(Self::parse(&listing))
    }

    fn parse(listing: &str) -> Self {
        let mut tree = Self { versions: BTreeMap::new(), macros: BTreeSet::new(), licences: BTreeMap::new() };
        for line in listing.lines() {
            // `name v1.2.3 (proc-macro)|MIT`; ` (*)` marks a repetition, a path marks our own.
            let Some((package, licence)) = line.split_once('|') else { continue };
            let mut words = package.split_whitespace();
            let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
            let notes: Vec<&str> = words.collect();
            if notes.iter().any(|note| note.starts_with("(/") || note.starts_with("(file")) {
                continue;
            }
            let version = version.trim_start_matches('v').to_owned();
            if notes.contains(&"(proc-macro)") {
                tree.macros.insert(name.to_owned());
            }
            let licence = licence.trim_end_matches("(*)").trim();
            tree.licences.insert(format!("{name} {version}"), licence.to_owned());
            tree.versions.entry(name.to_owned()).or_default().insert(version);
        }
        tree
    }

    /// Every crate, `name version`.
    fn all(&self) -> Vec<String> {
        self.licences.keys().cloned().collect()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.versions.keys().map(String::as_str)
    }

    /// Names that stand there in more than one version.
    pub(crate) fn duplicates(&self) -> Vec<String> {
        self.versions.iter().filter(|(_, versions)| versions.len() > 1).map(|(name, _)| name.clone()).collect()
    }

    fn proc_macros(&self) -> Vec<String> {
        self.macros.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_counted_once_per_version_without_our_own() {
        let tree = Tree::parse(
            "bulkhead v0.1.0 (/somewhere/crates/bulkhead)|Apache-2.0\nserde v1.0.0|MIT OR Apache-2.0\nserde v1.0.0|MIT OR Apache-2.0 (*)\n\
             syn v1.0.0|MIT\nsyn v2.0.0|MIT\nserde_derive v1.0.0 (proc-macro)|MIT\n",
        );
        assert_eq!(tree.all(), ["serde 1.0.0", "serde_derive 1.0.0", "syn 1.0.0", "syn 2.0.0"]);
        assert_eq!(tree.duplicates(), ["syn"]);
        assert_eq!(tree.proc_macros(), ["serde_derive"]);
        assert_eq!(tree.licences["serde 1.0.0"], "MIT OR Apache-2.0");
    }

    #[test]
    fn what_is_forbidden_in_a_tree_is_found_there() {
        let limits: toml::Table = toml::from_str("forbidden = [\"tokio\", \"rusqlite\"]").expect("a table");
        let tree = Tree::parse("serde v1.0.0|MIT\ntokio v1.2.3|MIT\n");
        assert_eq!(names_over("x", &limits, &tree), ["x: tokio must not be in its tree"]);
        assert_eq!(names_over("x", &limits, &Tree::parse("serde v1.0.0|MIT\n")), Vec::<String>::new());
        // The verifier's row is there, and names what an auditor must not have to build.
        let budget = repository::manifest("xtask/budget.toml").expect("reads");
        let row: Vec<_> = budget["bulkhead-ledger"]["forbidden"].as_array().expect("a list").iter().collect();
        for name in ["tokio", "hyper", "rusqlite", "reqwest", "rustls"] {
            assert!(row.iter().any(|listed| listed.as_str() == Some(name)), "{name}");
        }
    }

    #[test]
    fn the_product_is_within_its_budget() {
        assert_eq!(measure(false).expect("cargo tree"), Vec::<String>::new());
    }
}
