//! The decision: the strictest effect of all rules that match, exceptions and audit mode taken into account.

use std::cmp::Reverse;

use jiff::Timestamp;

use crate::{Ask, Effect, Facts, Reason, Verdict};

use super::memo::Memo;
use super::rule::Rule;
use super::scope::Scope;
use super::{Exception, Policy};

impl Policy {
    /// The verdict on an ask, given what was learned. Pure: the same arguments give the same verdict.
    ///
    /// `reviewed` are exceptions made by review while running; they count like those of the file. A rule that an
    /// exception covers counts as `allow`, so that an exception can only ever weaken a verdict. A rule that cannot be
    /// evaluated counts as `hold` (unless it is in audit mode). `now` decides only whether exceptions have expired: the
    /// age of a file is a fact.
    pub fn decide(&self, ask: &Ask, facts: &Facts, now: Timestamp, reviewed: &[Exception]) -> Verdict {
        self.judge(ask, &Scope::new(ask, facts, &self.settings), now, reviewed)
    }

    /// The verdict of [`Self::decide`] without its sentences, for many asks in a row: conditions that name only what the
    /// asks have in common are evaluated once, and reasons have neither text nor help, which cost more than the rest.
    /// `memo` must have been used with this policy only.
    pub fn decide_with(
        &self,
        memo: &mut Memo,
        ask: &Ask,
        facts: &Facts,
        now: Timestamp,
        reviewed: &[Exception],
    ) -> Verdict {
        let scope = Scope::new(ask, facts, &self.settings);
        let outcomes = memo.outcomes(&self.rules, ask.gate, ask.action, &scope);
        let said = |place: usize, rule: &Rule| outcomes[place].as_ref().and_then(|outcome| rule.terse_reason(outcome));
        self.weigh(ask, now, reviewed, said)
    }

    pub(super) fn judge(&self, ask: &Ask, scope: &Scope<'_>, now: Timestamp, reviewed: &[Exception]) -> Verdict {
        self.weigh(ask, now, reviewed, |_, rule| rule.reason(&rule.outcome(scope), scope))
    }

    fn weigh(
        &self,
        ask: &Ask,
        now: Timestamp,
        reviewed: &[Exception],
        said: impl Fn(usize, &Rule) -> Option<Reason>,
    ) -> Verdict {
        let applicable = self.rules.iter().enumerate().filter(|(_, rule)| rule.applies(ask));
        let said = applicable.filter_map(|(place, rule)| said(place, rule));
        let mut reasons: Vec<Reason> = said
            .map(|reason| {
                let excepted_by = self.exception(&reason, ask, now, reviewed).map(|exception| exception.id.clone());
                Reason { excepted_by, ..reason }
            })
            .collect();
        reasons.sort_by_key(|reason| Reverse(reason.effect));
        let effect = reasons.iter().filter_map(weight).max();
        Verdict { effect: effect.unwrap_or_else(|| self.default_effect(ask.gate)), reasons }
    }

    /// The exception that covers a refusing reason: those of the file first, in its order, then those of review.
    pub(super) fn exception<'e>(
        &'e self,
        reason: &Reason,
        ask: &Ask,
        now: Timestamp,
        reviewed: &'e [Exception],
    ) -> Option<&'e Exception> {
        let mut all = self.exceptions.iter().chain(reviewed);
        all.find(|exception| !reason.effect.passes() && exception.covers(&reason.rule, ask, now))
    }
}

/// What a reason contributes to the verdict.
fn weight(reason: &Reason) -> Option<Effect> {
    match (reason.audit, &reason.excepted_by) {
        (true, _) => None,
        (false, Some(_)) => Some(Effect::Allow),
        (false, None) => Some(reason.effect),
    }
}
