//! What people decided by review, as the spine applies it.

use bulkhead_core::policy::{Exception, Policy, Subject};
use bulkhead_core::{Ask, Effect, Reason, Verdict};
use jiff::Timestamp;

use crate::store::{Decision, Ruling};

/// The decisions on one project.
#[derive(Debug, Clone, Default)]
pub struct Reviewed {
    exceptions: Vec<Exception>,
    rejections: Vec<Decision>,
    /// Releases that are about rejections too.
    lifting: Vec<Decision>,
}

/// The name under which a rejection stands among a verdict's reasons, and under which a release can name it.
pub const REJECTED: &str = "rejected";

impl Reviewed {
    /// Sorts decisions into exceptions to rules and rejections. One that names no rule excepts from every rule; one
    /// without an expiry excepts from nothing (invariant 9).
    pub fn new(decisions: Vec<Decision>, policy: &Policy) -> Self {
        let mut reviewed = Self::default();
        for decision in decisions {
            match decision.ruling {
                Ruling::Rejected => reviewed.rejections.push(decision),
                Ruling::Released => {
                    reviewed.exceptions.extend(exceptions(&decision, policy));
                    if decision.rule.as_deref().is_none_or(|rules| names(rules, REJECTED)) {
                        reviewed.lifting.push(decision);
                    }
                }
            }
        }
        reviewed
    }

    /// The exceptions, for policy.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// The verdict, or a refusal when a person rejected the release: what a person refused, no rule lets through, only a
    /// later release by a person, for as long as that one says.
    pub(super) fn apply(&self, ask: &Ask, mut verdict: Verdict, now: Timestamp) -> Verdict {
        let purl = ask.resource.purl.as_ref();
        let rejection = purl.and_then(|purl| {
            let covers = |decision: &&Decision| {
                decision.covers(purl, ask.resource.file.as_deref(), decision.rule.as_deref().unwrap_or(""))
            };
            let lifted = |rejection: &&Decision| {
                let later = |release: &&Decision| release.entry > rejection.entry && release.in_force(now);
                self.lifting.iter().filter(later).any(|release| covers(&release))
            };
            self.rejections.iter().find(|rejection| covers(rejection) && !lifted(rejection))
        });
        if let Some(rejection) = rejection {
            let reason = Reason {
                rule: REJECTED.to_owned(),
                effect: Effect::Deny,
                text: format!("{} rejected it: {}", rejection.owner, rejection.reason),
                help: format!(
                    "ask {}; who may overrule it: bulkhead review release {} --reason \"...\" --expires 7d",
                    rejection.owner, rejection.purl
                ),
                audit: false,
                excepted_by: None,
            };
            verdict.effect = Effect::Deny;
            verdict.reasons.insert(0, reason);
        }
        verdict
    }
}

fn each(rules: &str) -> impl Iterator<Item = &str> {
    rules.split(',').map(str::trim)
}

fn names(rules: &str, rule: &str) -> bool {
    each(rules).any(|named| named == rule)
}

fn exceptions(decision: &Decision, policy: &Policy) -> Vec<Exception> {
    let Some(expires) = decision.expires else { return Vec::new() };
    let project = bulkhead_core::Purl::project(decision.purl.ecosystem(), decision.purl.name());
    let project = project.expect("invariant: the name of a purl is a name");
    let subject = Subject::Package { project, version: decision.purl.version().map(str::to_owned) };
    let rules: Vec<&str> = match &decision.rule {
        // Several rules are written with commas between them.
        Some(rules) => each(rules).filter(|rule| *rule != REJECTED).collect(),
        None => policy.rules().iter().map(bulkhead_core::policy::Rule::id).collect(),
    };
    let exception = |rule: &str| Exception {
        id: format!("review-v{}", decision.entry),
        rule: rule.to_owned(),
        subject: subject.clone(),
        owner: decision.owner.clone(),
        reason: decision.reason.clone(),
        expires,
    };
    rules.into_iter().map(exception).collect()
}
