//! What policy decided, and why.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

/// What happens to the resource, from mildest to strictest: the strictest effect of all matching rules wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It passes.
    Allow,
    /// It passes changed: releases left out, spans redacted.
    Transform,
    /// It does not pass now; time or a review can release it.
    Hold,
    /// It does not pass.
    Deny,
}

impl Effect {
    /// Every effect, from mildest to strictest.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Transform, Self::Hold, Self::Deny];

    /// The word used in policy files and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Transform => "transform",
            Self::Hold => "hold",
            Self::Deny => "deny",
        }
    }

    /// Whether something may leave the gate under this effect.
    pub fn passes(self) -> bool {
        matches!(self, Self::Allow | Self::Transform)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One rule's part in a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// The rule's id.
    pub rule: String,
    /// What the rule asks for.
    pub effect: Effect,
    /// The rule's sentence, filled in with the facts.
    pub text: String,
    /// What to do next, filled in with the facts; empty when the rule has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// True when the rule is in audit mode: recorded, without weight.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audit: bool,
    /// The id of the exception that took the weight away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excepted_by: Option<String>,
}

impl Reason {
    /// Whether the reason counts: not audited, not excepted.
    pub fn counts(&self) -> bool {
        !self.audit && self.excepted_by.is_none()
    }
}

/// The decision on one ask.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Verdict {
    /// The strictest effect that counts, or the gate's default.
    pub effect: Effect,
    /// Every rule that matched, strictest first, then in the order of the file.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// A verdict that no rule had a part in.
    pub fn plain(effect: Effect) -> Self {
        Self { effect, reasons: Vec::new() }
    }

    /// The first reason that carries the effect, when a rule does.
    pub fn deciding(&self) -> Option<&Reason> {
        self.reasons.iter().find(|reason| reason.counts() && reason.effect == self.effect)
    }
}
