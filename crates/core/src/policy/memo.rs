//! Outcomes of conditions that were evaluated before, by the values that the condition names.
//!
//! A listing judges thousands of files whose facts differ in little but age and version. A condition is a pure function of
//! what it names, so one that names neither need not be evaluated again for values that it has seen.

use std::collections::HashMap;

use super::rule::{Outcome, Rule};
use super::scope::{Scope, Seen};

/// Names whose values differ from file to file: a rule that names one is evaluated each time.
const OWN: [&str; 7] =
    ["file.age", "file.name", "file.sha256", "file.size", "file.uploaded", "package.version", "package.purl"];

/// What was evaluated for one policy, by rule. Use it with that policy only, and drop it after a few thousand asks.
#[derive(Debug, Default)]
pub struct Memo {
    matched: HashMap<(usize, Vec<u8>), bool>,
}

impl Memo {
    /// The outcome of the rule at that place of the policy.
    pub(super) fn outcome(&mut self, place: usize, rule: &Rule, scope: &Scope<'_>) -> Outcome {
        let Some(values) = key(rule, scope) else { return rule.outcome(scope) };
        let key = (place, values);
        match self.matched.get(&key) {
            Some(true) => Outcome::Matched,
            Some(false) => Outcome::Silent,
            None => {
                let outcome = rule.outcome(scope);
                match outcome {
                    Outcome::Matched => drop(self.matched.insert(key, true)),
                    Outcome::Silent => drop(self.matched.insert(key, false)),
                    // A failure is rare and its text is its own.
                    Outcome::Failed(_) => {}
                }
                outcome
            }
        }
    }
}

/// The values that the rule's condition names, one after the other, each with its kind and length; nothing when they
/// are not worth keeping.
fn key(rule: &Rule, scope: &Scope<'_>) -> Option<Vec<u8>> {
    let mut key = Vec::with_capacity(32);
    for name in rule.names() {
        match name.as_str() {
            "findings" if scope.findings().is_empty() => key.push(0),
            "findings" => return None,
            "unknown" => texts(&mut key, scope.unknowns().iter().map(|unknown| unknown.source.as_str())),
            name if OWN.contains(&name) => return None,
            name if name.starts_with("settings.") => {}
            name => value(&mut key, &scope.attribute(name)?),
        }
    }
    Some(key)
}

fn value(key: &mut Vec<u8>, seen: &Seen<'_>) {
    match seen {
        Seen::Null => key.push(1),
        Seen::Bool(value) => key.extend([2, u8::from(*value)]),
        Seen::Int(value) => {
            key.push(3);
            key.extend(value.to_le_bytes());
        }
        Seen::Text(value) => {
            key.push(4);
            text(key, value);
        }
        Seen::List(values) => texts(key, values.iter().map(String::as_str)),
    }
}

fn texts<'a>(key: &mut Vec<u8>, values: impl ExactSizeIterator<Item = &'a str>) {
    key.push(5);
    key.extend((values.len() as u64).to_le_bytes());
    values.for_each(|value| text(key, value));
}

fn text(key: &mut Vec<u8>, value: &str) {
    key.extend((value.len() as u64).to_le_bytes());
    key.extend(value.as_bytes());
}
