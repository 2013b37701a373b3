//! Outcomes of conditions that were evaluated before, by the values that the conditions name.
//!
//! A listing judges thousands of files whose facts differ in little but age and version. A condition is a pure function of
//! what it names, so the conditions that name nothing of a file's own are evaluated once for each combination of values,
//! all together: one look-up answers for most of a policy.

use std::collections::{BTreeSet, HashMap};

use crate::{Action, Gate};

use super::rule::{Outcome, Rule};
use super::scope::{Scope, Seen};

/// Names whose values differ from file to file: a rule that names one is evaluated each time.
const OWN: [&str; 12] = [
    "content.behaviours",
    "content.score",
    "content.unasked_score",
    "delta.new",
    "file.age",
    "file.name",
    "file.sha256",
    "file.size",
    "file.uploaded",
    "floor.lag",
    "package.version",
    "package.purl",
];

/// What was evaluated for one policy. Use it with that policy only, and drop it after a few thousand asks.
#[derive(Debug, Default)]
pub struct Memo {
    plan: Option<Plan>,
    known: HashMap<Vec<u8>, Vec<Known>>,
    key: Vec<u8>,
}

/// Which rules share their outcomes, and what they name between them.
#[derive(Debug)]
struct Plan {
    gate: Gate,
    action: Action,
    shared: Vec<bool>,
    names: Vec<String>,
}

/// The outcome of one rule. A failure is told anew each time: its text is of the ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Matched,
    Silent,
    Evaluate,
}

impl Memo {
    /// The outcome of each rule, in the policy's order; nothing for a rule that does not judge this action.
    pub(super) fn outcomes(
        &mut self,
        rules: &[Rule],
        gate: Gate,
        action: Action,
        scope: &Scope<'_>,
    ) -> Vec<Option<Outcome>> {
        if self.plan.as_ref().is_none_or(|plan| plan.gate != gate || plan.action != action) {
            *self = Self { plan: Some(Plan::new(rules, gate, action)), ..Self::default() };
        }
        let plan = self.plan.as_ref().expect("invariant: made above");
        // Findings are rare, and each is its own: such an ask is evaluated as a whole.
        let shared = scope.findings().is_empty() && key(&mut self.key, &plan.names, scope);
        if shared && !self.known.contains_key(&self.key) {
            let known = rules.iter().enumerate().map(|(place, rule)| match plan.shared[place] {
                true => match rule.outcome(scope) {
                    Outcome::Matched => Known::Matched,
                    Outcome::Silent => Known::Silent,
                    Outcome::Failed(_) => Known::Evaluate,
                },
                false => Known::Evaluate,
            });
            self.known.insert(self.key.clone(), known.collect());
        }
        let known = if shared { self.known.get(&self.key) } else { None };
        let outcome = |(place, rule): (usize, &Rule)| {
            rule.judges(gate, action).then(|| match known.map(|known| known[place]) {
                Some(Known::Matched) => Outcome::Matched,
                Some(Known::Silent) => Outcome::Silent,
                Some(Known::Evaluate) | None => rule.outcome(scope),
            })
        };
        rules.iter().enumerate().map(outcome).collect()
    }
}

impl Plan {
    fn new(rules: &[Rule], gate: Gate, action: Action) -> Self {
        let own = |rule: &Rule| rule.names().iter().any(|name| OWN.contains(&name.as_str()));
        let shared: Vec<bool> = rules.iter().map(|rule| rule.judges(gate, action) && !own(rule)).collect();
        let sharing = rules.iter().zip(&shared).filter(|(_, shared)| **shared);
        let names: BTreeSet<&String> = sharing.flat_map(|(rule, _)| rule.names()).collect();
        // Settings are the policy's own and the same for every ask; findings are looked at apart.
        let varies = |name: &&&String| !name.starts_with("settings.") && **name != "findings";
        let names = names.iter().filter(varies).map(|name| (*name).clone()).collect();
        Self { gate, action, shared, names }
    }
}

/// The values of the names, one after the other, each with its kind and length. False when one of them has no value in
/// this scope, which the check at load excludes.
fn key(key: &mut Vec<u8>, names: &[String], scope: &Scope<'_>) -> bool {
    key.clear();
    names.iter().all(|name| {
        if name == "unknown" {
            texts(key, scope.unknowns().iter().map(|unknown| unknown.source.as_str()));
            return true;
        }
        scope.attribute(name).map(|seen| value(key, &seen)).is_some()
    })
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
