//! Outcomes of the last while, so that one crossing is judged and recorded once.
//!
//! A client that installs one wheel sends HEAD, a range or two and a GET; that is one crossing and one entry. An outcome
//! is reused for the same asker and the same file while the policy epoch stands, for [`FRESH`]. After that the ask is
//! judged and recorded anew; only when the ledger cannot take the entry is the older permit of the same asker honoured,
//! because it has its entry (what is already permitted goes on being served while the disk is full).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_core::{Ask, Verdict};

use super::Receipt;

/// How long one entry covers repeated asks of one asker for one file.
pub const FRESH: Duration = Duration::from_secs(60);
/// How many outcomes are remembered; past it the table starts anew, which costs one judgement each.
const MOST: usize = 50_000;

/// A verdict and the entry that holds it.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub(super) verdict: Arc<Verdict>,
    pub(super) receipt: Receipt,
    /// The line that names the resource in a refusal.
    pub(super) title: Arc<str>,
    epoch: u64,
    at: Instant,
}

impl Outcome {
    pub(super) fn new(verdict: Arc<Verdict>, receipt: Receipt, title: Arc<str>, epoch: u64) -> Self {
        Self { verdict, receipt, title, epoch, at: Instant::now() }
    }

    /// The verdict.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

/// The table. Its mutex guards map operations only and is never held across an await.
#[derive(Debug, Default)]
pub(super) struct Recent {
    outcomes: Mutex<HashMap<Ask, Outcome>>,
}

impl Recent {
    /// The outcome of the same ask within [`FRESH`] under the same epoch.
    pub(super) fn fresh(&self, ask: &Ask, epoch: u64) -> Option<Outcome> {
        self.standing(ask, epoch).filter(|outcome| outcome.at.elapsed() < FRESH)
    }

    /// The outcome of the same ask under the same epoch, however old.
    pub(super) fn standing(&self, ask: &Ask, epoch: u64) -> Option<Outcome> {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.get(ask).filter(|outcome| outcome.epoch == epoch).cloned()
    }

    /// The outcome of the same ask, whatever changed since: for an ask whose digest says all that there is to say.
    pub(super) fn known(&self, ask: &Ask) -> Option<Outcome> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).get(ask).cloned()
    }

    pub(super) fn remember(&self, ask: Ask, outcome: Outcome) {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if outcomes.len() >= MOST {
            outcomes.clear();
        }
        outcomes.insert(ask, outcome);
    }
}
