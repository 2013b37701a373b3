//! The policy that judges now, with what belongs to it.

use std::sync::{Arc, Mutex, PoisonError};

use bulkhead_core::policy::{Exception, ExceptionUse, Memo, Policy};
use bulkhead_core::{Ask, Facts, Sha256, Verdict};
use jiff::Timestamp;

use super::{Receipt, Reviewed};

/// One policy in force: its rules, its digest, and the entry that recorded the load.
#[derive(Debug, Clone)]
pub struct InForce {
    /// The compiled policy.
    pub policy: Arc<Policy>,
    /// SHA-256 of the policy file.
    pub digest: Sha256,
    /// Whether any rule names the client's user agent: if none does, clients share listings.
    pub names_client: bool,
    /// Whether any rule names the client's address.
    pub names_address: bool,
    receipt: Receipt,
    /// Which exceptions had an effect since the load; shared by every clone of this load.
    used: Arc<Mutex<ExceptionUse>>,
}

/// What one ask is judged by from end to end: a policy, and the number of the state that it was judged in.
#[derive(Debug, Clone)]
pub struct Basis {
    /// The policy in force when the ask began.
    pub in_force: Arc<InForce>,
    /// The number from before the facts were gathered: see [`super::Epoch`].
    pub epoch: u64,
}

impl InForce {
    pub(super) fn new(policy: Policy, digest: Sha256, receipt: Receipt) -> Self {
        let names = |name: &str| policy.rules().iter().any(|rule| rule.condition().contains(name));
        let (names_client, names_address) = (names("client"), names("address"));
        Self { policy: Arc::new(policy), digest, names_client, names_address, receipt, used: Arc::default() }
    }

    /// The entry that recorded this policy.
    pub fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// The verdict: the policy's, with what people decided by review. Pure, but for noting which exceptions were used.
    pub fn judge(&self, ask: &Ask, facts: &Facts, reviewed: &Reviewed, now: Timestamp) -> Verdict {
        self.settled(ask, self.policy.decide(ask, facts, now, reviewed.exceptions()), reviewed, now)
    }

    /// The same verdict, for the many files of one listing: `memo` is the listing's own.
    pub fn judge_listed(
        &self,
        memo: &mut Memo,
        ask: &Ask,
        facts: &Facts,
        reviewed: &Reviewed,
        now: Timestamp,
    ) -> Verdict {
        self.settled(ask, self.policy.decide_with(memo, ask, facts, now, reviewed.exceptions()), reviewed, now)
    }

    fn settled(&self, ask: &Ask, verdict: Verdict, reviewed: &Reviewed, now: Timestamp) -> Verdict {
        if verdict.reasons.iter().any(|reason| reason.excepted_by.is_some()) {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).note(&verdict);
        }
        reviewed.apply(ask, verdict, now)
    }

    /// The policy's exceptions, each with whether it had an effect since the policy was loaded (invariant 9: one that
    /// matches nothing is reported).
    pub fn exceptions(&self) -> Vec<(Exception, bool)> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        self.policy.exceptions().iter().map(|exception| (exception.clone(), used.used(&exception.id))).collect()
    }
}
