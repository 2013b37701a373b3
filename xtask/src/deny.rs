//! `cargo xtask deny`: what deny.toml says about licences, bans and duplicates.
//!
//! cargo-deny reads deny.toml too, and looks for advisories besides; building it takes minutes, so a test run does not
//! depend on it. What needs no database is checked here from the same file, so that the rules hold on every machine.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};

use crate::{budget::Tree, repository, run};

/// Fails when a licence, a ban or a duplicate goes against deny.toml. Runs cargo-deny as well where it is installed.
pub(crate) fn check() -> Result<()> {
    println!("\n== licences, bans and duplicates (deny.toml)");
    let against = against()?;
    if !against.is_empty() {
        bail!("against deny.toml:\n  {}", against.join("\n  "));
    }
    println!("  good");
    if run::cargo_output(&["deny", "--version"]).is_ok() {
        return run::cargo(&["deny", "check"]);
    }
    println!(
        "  NOT CHECKED: advisories against the crates themselves, which need cargo-deny (cargo install cargo-deny)"
    );
    Ok(())
}

/// One line per thing that goes against deny.toml.
fn against() -> Result<Vec<String>> {
    let rules = repository::manifest("deny.toml")?;
    let target =
        repository::manifest("xtask/budget.toml")?["target"].as_str().context("budget.toml has no target")?.to_owned();
    let tree = Tree::of("bulkhead", &target)?;
    let mut against = Vec::new();

    let allowed = names(&rules["licenses"]["allow"]);
    for (package, licence) in &tree.licences {
        let licence = licence.replace('/', " OR ");
        match permitted(&licence, &allowed) {
            Ok(true) => {}
            Ok(false) => against.push(format!("{package}: licence `{licence}` is not allowed")),
            Err(error) => against.push(format!("{package}: licence `{licence}`: {error}")),
        }
    }

    let present: BTreeSet<&str> = tree.names().collect();
    for ban in rules["bans"]["deny"].as_array().into_iter().flatten() {
        let name = ban.get("crate").and_then(toml::Value::as_str).context("deny.toml: a ban without `crate`")?;
        if present.contains(name) {
            let reason = ban.get("reason").and_then(toml::Value::as_str).unwrap_or("no reason given");
            against.push(format!("{name} is banned: {reason}"));
        }
    }

    let skipped: BTreeSet<String> = rules["bans"]["skip"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|skip| skip.get("crate").and_then(toml::Value::as_str))
        .map(|name| name.split('@').next().unwrap_or(name).to_owned())
        .collect();
    let duplicates: BTreeSet<String> = tree.duplicates().into_iter().collect();
    against.extend(
        duplicates.difference(&skipped).map(|name| format!("{name} is there in several versions and not in `skip`")),
    );
    against
        .extend(skipped.difference(&duplicates).map(|name| format!("`skip` names {name}, which has one version now")));
    Ok(against)
}

fn names(value: &toml::Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

/// Whether an SPDX expression can be met with allowed licences only.
fn permitted(expression: &str, allowed: &BTreeSet<String>) -> Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let good = alternatives(&mut words, allowed)?;
    match words.next() {
        None => Ok(good),
        Some(word) => bail!("`{word}` does not fit"),
    }
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn alternatives(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> Result<bool> {
    let mut good = conjunction(words, allowed)?;
    while words.next_if_eq(&"OR").is_some() {
        good |= conjunction(words, allowed)?;
    }
    Ok(good)
}

fn conjunction(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> Result<bool> {
    let mut good = licence(words, allowed)?;
    while words.next_if_eq(&"AND").is_some() {
        good &= licence(words, allowed)?;
    }
    Ok(good)
}

fn licence(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> Result<bool> {
    match words.next() {
        Some("(") => {
            let good = alternatives(words, allowed)?;
            if words.next() != Some(")") {
                bail!("a bracket is not closed");
            }
            Ok(good)
        }
        Some(name) if !matches!(name, "OR" | "AND" | "WITH" | ")") => match words.next_if_eq(&"WITH") {
            Some(_) => {
                let exception = words.next().context("WITH without an exception")?;
                Ok(allowed.contains(name) || allowed.contains(&format!("{name} WITH {exception}")))
            }
            None => Ok(allowed.contains(name)),
        },
        other => bail!("a licence is expected, not {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(expression: &str) -> bool {
        permitted(expression, &["MIT".to_owned(), "ISC".to_owned()].into()).expect("an expression")
    }

    #[test]
    fn an_alternative_is_enough_and_a_conjunction_wants_both() {
        assert!(permits("MIT"));
        assert!(permits("GPL-3.0 OR MIT"));
        assert!(!permits("GPL-3.0 AND MIT"));
        assert!(permits("(GPL-3.0 OR ISC) AND MIT"));
        assert!(!permits("GPL-3.0 OR ISC AND GPL-2.0"));
        assert!(permits("MIT WITH some-exception"));
    }

    #[test]
    fn what_is_no_expression_is_an_error() {
        for wrong in ["", "MIT OR", "(MIT", "MIT ISC", "OR"] {
            assert!(permitted(wrong, &["MIT".to_owned()].into()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_goes_against_deny_toml() {
        assert_eq!(against().expect("cargo tree"), Vec::<String>::new());
    }
}
