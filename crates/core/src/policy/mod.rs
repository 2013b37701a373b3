//! Policy: rules in, verdicts out. Pure.
//!
//! A policy file is read once, as a whole ([`Policy::parse`]): every name in every condition and sentence is checked
//! then, and all errors are reported at once. Afterwards [`Policy::decide`] is a function of its arguments.

mod check;
mod condition;
mod decide;
mod diagnostic;
mod exception;
mod explain;
mod fields;
mod finding;
mod glob;
mod memo;
mod parse;
mod pattern;
mod rule;
mod sample;
pub mod schema;
mod scope;
mod settings;
mod template;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{Effect, Gate};

pub use diagnostic::{Diagnostic, PolicyErrors};
pub use exception::{Exception, ExceptionUse, Subject, SubjectError};
pub use explain::{Change, Explanation, NamedFact, Part, RuleExplanation, explain};
pub use memo::Memo;
pub use rule::{Mode, Rule};
pub use settings::Settings;

/// The shipped policy, as it is copied beside the data on first start.
pub const DEFAULT: &str = include_str!("../../../../policy/default.toml");

/// A policy that was checked as a whole.
#[derive(Debug)]
pub struct Policy {
    settings: Settings,
    defaults: BTreeMap<Gate, Effect>,
    rules: Vec<Rule>,
    exceptions: Vec<Exception>,
    warnings: Vec<Diagnostic>,
    source: String,
    own_rules: bool,
}

impl Policy {
    /// Reads and checks a policy file. `origin` is how errors name the file.
    ///
    /// A file without any `[[rule]]` gets the shipped rules under its own settings: settings alone must not mean that
    /// everything passes.
    ///
    /// # Errors
    /// Everything that is wrong with the file, in its order.
    pub fn parse(text: &str, origin: &str) -> Result<Self, PolicyErrors> {
        parse::parse(text, origin)
    }

    /// The knobs.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What happens at a gate when no rule has a say.
    pub fn default_effect(&self, gate: Gate) -> Effect {
        self.defaults.get(&gate).copied().unwrap_or(Effect::Deny)
    }

    /// Every rule, in the order of the file.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of that id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id() == id)
    }

    /// Every exception of the file, expired ones too.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// What loads but deserves a second look.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The text that this policy is made from, for its digest: the file, followed by the shipped one when the file has
    /// no rules of its own.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the rules are the file's own, rather than the shipped ones.
    pub fn has_own_rules(&self) -> bool {
        self.own_rules
    }

    /// The exceptions that still count but were never used (invariant 9: they are reported).
    pub fn unmatched_exceptions<'p>(
        &'p self,
        used: &'p ExceptionUse,
        now: Timestamp,
    ) -> impl Iterator<Item = &'p Exception> {
        self.exceptions.iter().filter(move |exception| now < exception.expires && !used.used(&exception.id))
    }

    /// The exceptions that have expired, and can be removed from the file.
    pub fn expired_exceptions(&self, now: Timestamp) -> impl Iterator<Item = &Exception> {
        self.exceptions.iter().filter(move |exception| exception.expires <= now)
    }
}

/// The rules of [`DEFAULT`].
fn shipped_rules(settings: &Settings) -> Result<Vec<Rule>, PolicyErrors> {
    let document = toml::de::DeTable::parse_recoverable(DEFAULT).0;
    let mut report = diagnostic::Report::new("the shipped policy", DEFAULT);
    let rules = parse::rules(document.get_ref(), settings, &mut report);
    report.finish().map(|_| rules)
}
