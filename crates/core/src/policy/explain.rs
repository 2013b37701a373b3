//! Why, and what would change it: every rule of the gate with the facts that it names, and the moment at which time
//! alone changes the verdict.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{Ask, Effect, Facts, Value, Verdict};

use super::rule::{Mode, Outcome, Rule};
use super::scope::Scope;
use super::{Exception, Policy, schema};

/// How far ahead time is looked through: ten years, in seconds.
const HORIZON: i64 = 10 * 365 * 86_400;

/// One verdict, taken apart. Serialises to JSON; rendered to text elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The verdict.
    pub verdict: Verdict,
    /// The gate's effect when no rule has a say.
    pub default_effect: Effect,
    /// Every rule of the gate, those that decide first, then in the order of the file.
    pub rules: Vec<RuleExplanation>,
    /// When time alone changes the effect, and to what; nothing within ten years when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_change: Option<Change>,
}

/// A moment from which the effect is another, when nothing but time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The first moment.
    pub at: Timestamp,
    /// The effect from then on.
    pub effect: Effect,
}

/// What one rule had to do with a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleExplanation {
    /// The rule's id.
    pub rule: String,
    /// The line of the policy file on which it begins.
    pub line: usize,
    /// What became of it.
    pub part: Part,
    /// Whether the verdict's effect is this rule's.
    pub decides: bool,
    /// What it asks for.
    pub effect: Effect,
    /// Whether that counts.
    pub mode: Mode,
    /// Its condition, as written.
    pub condition: String,
    /// What it says, when it matched or failed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What to do next, when it matched or failed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// The exception that took its weight away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<Exception>,
    /// What its condition names, with the values seen.
    pub facts: Vec<NamedFact>,
    /// When it stops matching, if nothing but time passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Its condition holds.
    Matched,
    /// Its condition does not hold.
    NotMatched,
    /// Its condition could not be evaluated, which counts as hold.
    Failed,
    /// It does not judge this action.
    OtherAction,
}

/// One name of a condition and the value that it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedFact {
    /// `group.name`, or `findings` or `unknown`.
    pub name: String,
    /// The value; for `findings` the titles, for `unknown` the sources with their reasons.
    pub value: Value,
    /// What the name means.
    pub doc: &'static str,
}

/// Takes a verdict apart.
pub fn explain(policy: &Policy, ask: &Ask, facts: &Facts, now: Timestamp, reviewed: &[Exception]) -> Explanation {
    let scope = Scope::new(ask, facts, policy.settings());
    let verdict = policy.judge(ask, &scope, now, reviewed);
    let of_gate = policy.rules().iter().filter(|rule| rule.gate() == ask.gate);
    let mut rules: Vec<_> =
        of_gate.map(|rule| explain_rule(policy, rule, ask, &scope, &verdict, now, reviewed)).collect();
    rules.sort_by_key(|rule| !rule.decides);
    let next_change = policy.change_after(ask, &scope, verdict.effect, now, reviewed);
    Explanation { verdict, default_effect: policy.default_effect(ask.gate), rules, next_change }
}

impl Policy {
    /// The moment from which time alone gives another effect than `verdict` has, and that effect. Looks ten years ahead.
    /// Costs some fifty evaluations for each rule that names the age: meant for what is held, not for every file.
    pub fn next_change(
        &self,
        ask: &Ask,
        facts: &Facts,
        verdict: &Verdict,
        now: Timestamp,
        reviewed: &[Exception],
    ) -> Option<Change> {
        self.change_after(ask, &Scope::new(ask, facts, self.settings()), verdict.effect, now, reviewed)
    }

    fn change_after(
        &self,
        ask: &Ask,
        scope: &Scope<'_>,
        effect: Effect,
        now: Timestamp,
        reviewed: &[Exception],
    ) -> Option<Change> {
        let rules = self.rules().iter().filter(|rule| rule.applies(ask));
        let by_age = rules.filter_map(|rule| flip(rule, scope)).filter_map(|seconds| later(now, seconds));
        let covering = self.exceptions().iter().chain(reviewed).filter(|exception| now < exception.expires);
        let by_expiry = covering.filter(|exception| exception.subject.covers(ask)).map(|exception| exception.expires);
        let mut moments: Vec<Timestamp> = by_age.chain(by_expiry).collect();
        moments.sort_unstable();
        moments.dedup();
        moments.into_iter().find_map(|at| {
            // Whole seconds are what ages count in; an expiry between two of them is seen at the next.
            let seconds = at.duration_since(now).as_secs();
            let then = self.judge(ask, &scope.later(seconds), at, reviewed).effect;
            (then != effect).then_some(Change { at, effect: then })
        })
    }
}

fn explain_rule(
    policy: &Policy,
    rule: &Rule,
    ask: &Ask,
    scope: &Scope<'_>,
    verdict: &Verdict,
    now: Timestamp,
    reviewed: &[Exception],
) -> RuleExplanation {
    let applies = rule.applies(ask);
    let outcome = if applies { rule.outcome(scope) } else { Outcome::Silent };
    let reason = verdict.reasons.iter().find(|reason| reason.rule == rule.id());
    let part = match (&outcome, applies) {
        (_, false) => Part::OtherAction,
        (Outcome::Silent, true) => Part::NotMatched,
        (Outcome::Matched, true) => Part::Matched,
        (Outcome::Failed(_), true) => Part::Failed,
    };
    let until = (part == Part::Matched).then(|| flip(rule, scope)).flatten().and_then(|seconds| later(now, seconds));
    RuleExplanation {
        rule: rule.id().to_owned(),
        line: rule.line(),
        part,
        decides: reason.is_some_and(|reason| reason.counts() && reason.effect == verdict.effect),
        effect: rule.effect(),
        mode: rule.mode(),
        condition: rule.condition().to_owned(),
        text: reason.map(|reason| reason.text.clone()).unwrap_or_default(),
        help: reason.map(|reason| reason.help.clone()).unwrap_or_default(),
        exception: reason.and_then(|reason| policy.exception(reason, ask, now, reviewed)).cloned(),
        facts: rule.condition.names().iter().map(|name| named(name, ask, scope)).collect(),
        until,
    }
}

/// The seconds after which a rule's outcome is another than now, when only ages grow; found by bisection, so for a
/// condition that changes more than once it is one of those moments.
fn flip(rule: &Rule, scope: &Scope<'_>) -> Option<i64> {
    if !rule.condition.names().contains("file.age") {
        return None;
    }
    let outcome = |seconds| rule.outcome(&scope.later(seconds));
    let now = outcome(0);
    if outcome(HORIZON) == now {
        return None;
    }
    let (mut same, mut other) = (0, HORIZON);
    while other - same > 1 {
        let middle = same + (other - same) / 2;
        if outcome(middle) == now { same = middle } else { other = middle }
    }
    Some(other)
}

fn later(now: Timestamp, seconds: i64) -> Option<Timestamp> {
    now.checked_add(SignedDuration::from_secs(seconds)).ok()
}

fn named(name: &str, ask: &Ask, scope: &Scope<'_>) -> NamedFact {
    let (value, doc) = match name {
        "findings" => {
            let titles = scope.findings().iter().map(|finding| format!("{}: {}", finding.detector, finding.title));
            (Value::List(titles.collect()), "what detectors saw in the content")
        }
        "unknown" => {
            let sources = scope.unknowns().iter().map(|unknown| format!("{}: {}", unknown.source, unknown.why));
            (Value::List(sources.collect()), "sources that could not say")
        }
        _ => {
            let mut known = schema::of(ask.gate).chain(schema::SETTINGS);
            let doc = known.find(|attribute| attribute.name == name).map_or("", |attribute| attribute.doc);
            (scope.attribute(name).map_or(Value::Null, |seen| seen.to_value()), doc)
        }
    };
    NamedFact { name: name.to_owned(), value, doc }
}
