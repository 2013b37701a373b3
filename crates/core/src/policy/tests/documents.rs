//! The examples that people copy load as they stand.

use super::{DEFAULT, policy, rule};

const MANUAL: &str = include_str!("../../../../../docs/policy.md");

/// The indented example that begins with this line.
fn example(first: &str) -> String {
    let lines = MANUAL.lines().map(|line| line.strip_prefix("    "));
    let lines = lines.skip_while(|line| *line != Some(first)).map_while(|line| line);
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_rule_of_the_manual_loads() {
    let policy = policy(&example("[[rule]]"));
    assert_eq!((policy.rules().len(), policy.warnings()), (1, [].as_slice()));
}

#[test]
fn the_exception_of_the_manual_loads_with_the_shipped_rules() {
    let policy = policy(&format!("{DEFAULT}{}", example("[[exception]]")));
    assert_eq!(policy.exceptions()[0].id, "cooldown:pkg:pypi/urllib3@2.9.*");
}

#[test]
fn the_conditions_of_the_manual_load_without_a_warning() {
    let lines = MANUAL.lines().filter_map(|line| line.strip_prefix("    file.age "));
    let policies: Vec<_> =
        lines.map(|line| policy(&rule(&format!("file.age {}", line.split(" #").next().expect("one"))))).collect();
    assert_eq!(policies.len(), 2);
    assert!(policies.iter().all(|policy| policy.warnings().is_empty()));
}

#[test]
fn the_exception_in_the_shipped_file_loads_once_its_hashes_are_removed() {
    let lines = DEFAULT.lines().skip_while(|line| *line != "# [[exception]]").map_while(|line| line.strip_prefix("# "));
    let lines: Vec<_> = lines.take_while(|line| !line.starts_with("---")).collect();
    let policy = policy(&format!("{DEFAULT}\n{}\n", lines.join("\n")));
    assert_eq!(policy.exceptions().len(), 1);
}
