//! The decision: the strictest effect of all rules that match, exceptions and audit mode taken into account.

use std::cmp::Reverse;

use jiff::Timestamp;

use crate::{Ask, Effect, Facts, Reason, Verdict};

use super::memo::Memo;
use super::rule::{Outcome, Rule};
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

    /// The same verdict as [`Self::decide`], for many asks in a row: conditions that name only what the asks have in
    /// common are evaluated once. `memo` must have been used with this policy only.
    pub fn decide_with(
        &self,
        memo: &mut Memo,
        ask: &Ask,
        facts: &Facts,
        now: Timestamp,
        reviewed: &[Exception],
    ) -> Verdict {
        let scope = Scope::new(ask, facts, &self.settings);
        self.weigh(ask, &scope, now, reviewed, |place, rule| memo.outcome(place, rule, &scope))
    }

    pub(super) fn judge(&self, ask: &Ask, scope: &Scope<'_>, now: Timestamp, reviewed: &[Exception]) -> Verdict {
        self.weigh(ask, scope, now, reviewed, |_, rule| rule.outcome(scope))
    }

    fn weigh(
        &self,
        ask: &Ask,
        scope: &Scope<'_>,
        now: Timestamp,
        reviewed: &[Exception],
        mut outcome: impl FnMut(usize, &Rule) -> Outcome,
    ) -> Verdict {
        let applicable = self.rules.iter().enumerate().filter(|(_, rule)| rule.applies(ask));
        let said = applicable.filter_map(|(place, rule)| rule.reason(&outcome(place, rule), scope));
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
