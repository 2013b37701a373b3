//! One rule of a policy, and what it says about an ask.

use serde::Serialize;

use crate::{Action, Ask, Effect, Gate, Reason};

use super::condition::Condition;
use super::scope::{Scope, Seen};
use super::template::{Subjects, Template};

/// Whether a rule's effect counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It counts.
    Enforce,
    /// It is recorded, without weight.
    Audit,
}

impl Mode {
    /// Both modes.
    pub const ALL: [Self; 2] = [Self::Enforce, Self::Audit];

    /// The word used in policy files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Audit => "audit",
        }
    }
}

/// One rule: a condition at a gate, and what follows when it holds.
#[derive(Debug)]
pub struct Rule {
    pub(super) id: String,
    pub(super) gate: Gate,
    pub(super) condition: Condition,
    pub(super) effect: Effect,
    pub(super) mode: Mode,
    /// Nothing means every action.
    pub(super) actions: Option<Vec<Action>>,
    pub(super) reason: Template,
    pub(super) help: Template,
    pub(super) line: usize,
}

/// What became of a rule's condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Silent,
    Matched,
    /// It could not be evaluated, and why: counts as hold.
    Failed(String),
}

impl Rule {
    /// The unique id, kebab-case.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The gate at which it stands.
    pub fn gate(&self) -> Gate {
        self.gate
    }

    /// What it asks for when its condition holds.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether that counts.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Its condition, as written.
    pub fn condition(&self) -> &str {
        self.condition.source()
    }

    /// The line of the file on which it begins, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Whether it judges asks like this one at all.
    pub fn applies(&self, ask: &Ask) -> bool {
        self.judges(ask.gate, ask.action)
    }

    /// Whether it judges that action at that gate.
    pub(super) fn judges(&self, gate: Gate, action: Action) -> bool {
        self.gate == gate && self.actions.as_ref().is_none_or(|actions| actions.contains(&action))
    }

    /// What its condition names.
    pub(super) fn names(&self) -> &std::collections::BTreeSet<String> {
        self.condition.names()
    }

    pub(super) fn outcome(&self, scope: &Scope<'_>) -> Outcome {
        match self.condition.holds(scope) {
            Ok(true) => Outcome::Matched,
            Ok(false) => Outcome::Silent,
            Err(why) => Outcome::Failed(why),
        }
    }

    /// The attributes that the condition names and that are null, in brackets: nearly always why it failed.
    fn nulls(&self, scope: &Scope<'_>) -> String {
        let names = self.condition.names().iter();
        let null: Vec<_> = names.filter(|name| scope.attribute(name) == Some(Seen::Null)).map(String::as_str).collect();
        if null.is_empty() { String::new() } else { format!(" (null here: {})", null.join(", ")) }
    }

    /// The rule's part in a verdict, when it has one, without its sentences.
    pub(super) fn terse_reason(&self, outcome: &Outcome) -> Option<Reason> {
        let effect = match outcome {
            Outcome::Silent => return None,
            Outcome::Matched => self.effect,
            Outcome::Failed(_) => Effect::Hold,
        };
        let audit = self.mode == Mode::Audit;
        let (text, help) = (String::new(), String::new());
        Some(Reason { rule: self.id.clone(), effect, text, help, audit, excepted_by: None })
    }

    /// The rule's part in a verdict, when it has one.
    pub(super) fn reason(&self, outcome: &Outcome, scope: &Scope<'_>) -> Option<Reason> {
        let (effect, text, help) = match outcome {
            Outcome::Silent => return None,
            Outcome::Matched => {
                let subjects = Subjects::of(&self.condition, scope);
                (self.effect, self.reason.fill(&subjects), self.help.fill(&subjects))
            }
            Outcome::Failed(why) => (
                Effect::Hold,
                format!("rule `{}` could not be evaluated, which counts as hold: {why}{}", self.id, self.nulls(scope)),
                "ask the owner of the policy to mend the rule: `bulkhead policy check` says what may be null"
                    .to_owned(),
            ),
        };
        let audit = self.mode == Mode::Audit;
        Some(Reason { rule: self.id.clone(), effect, text, help, audit, excepted_by: None })
    }
}
