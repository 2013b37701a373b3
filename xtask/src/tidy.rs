//! `cargo xtask tidy`: the rules of the house that no compiler holds. Each is a test too, so that no check exists
//! only in CI.

use anyhow::{Result, bail};

use crate::repository::{self, File};

mod crates;
mod dependencies;
mod edges;
mod fixtures;
mod hosts;
mod reach;
mod sizes;
mod source;
mod words;

/// One rule: what it is called, and what it finds (one line each, with the file).
type Check = (&'static str, fn(&[File]) -> Result<Vec<String>>);

/// Every rule.
const CHECKS: &[Check] = &[
    ("sizes", sizes::check),
    ("module edges", edges::check),
    ("crate edges", crates::check),
    ("reach", reach::check),
    ("dependency rows", dependencies::check),
    ("words", words::check),
    ("hosts and paths", hosts::check),
    ("fixtures", fixtures::check),
];

/// Runs every rule, prints what each finds, and fails when one finds something.
pub(crate) fn all() -> Result<()> {
    println!("\n== tidy");
    let files = repository::files()?;
    let mut found = 0;
    for (name, check) in CHECKS {
        let lines = check(&files)?;
        println!("  {name:<16} {}", if lines.is_empty() { "good" } else { "FAILED" });
        for line in &lines {
            println!("    {line}");
        }
        found += lines.len();
    }
    if found > 0 {
        bail!("tidy found {found} things");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the rule of that name finds in this repository.
    fn found(rule: &str) -> Vec<String> {
        let (_, check) = CHECKS.iter().find(|(name, _)| *name == rule).expect("a rule of that name");
        check(&repository::files().expect("the files")).expect("the rule runs")
    }

    macro_rules! tidy {
        ($($test:ident: $rule:literal;)*) => {
            $(#[test]
            fn $test() {
                assert_eq!(found($rule), Vec::<String>::new());
            })*

            #[test]
            fn every_rule_is_tested() {
                assert_eq!(CHECKS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [$($rule),*]);
            }
        };
    }

    tidy! {
        no_source_is_too_long: "sizes";
        modules_use_only_what_they_may: "module edges";
        crates_use_only_what_they_may: "crate edges";
        what_belongs_in_one_place_stands_there: "reach";
        every_dependency_has_its_row: "dependency rows";
        words_are_the_fields_own: "words";
        no_registry_host_and_no_path_of_this_machine: "hosts and paths";
        every_detector_has_its_fixtures: "fixtures";
    }
}
