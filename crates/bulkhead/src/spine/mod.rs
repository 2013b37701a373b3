//! The spine: what every gate does with an ask once the facts are gathered.
//!
//! judge (pure) -> settle (durable) -> [`Permit`] or [`Problem`]. A gate cannot do the last step itself.

mod epoch;
mod in_force;
mod permit;
mod recent;
mod reviewed;

use std::sync::{Arc, PoisonError, RwLock};

use bulkhead_core::policy::Policy;
use bulkhead_core::{Ask, Code, Problem, Sha256, Verdict};
use bulkhead_ledger::{Entry, EntryTime, LedgerError, Sequencer};
use jiff::Timestamp;

pub use epoch::Epoch;
pub use in_force::{Basis, InForce};
pub use permit::{Permit, Receipt, Told};
pub use recent::{FRESH, Outcome};
pub use reviewed::{REJECTED, Reviewed};

use crate::ledger::subject::{Of, Subjects};
use crate::store::Store;
use recent::Recent;

/// Policy and the ledger, joined so that no gate can use one without the other.
pub struct Spine {
    ledger: Arc<Sequencer>,
    store: Arc<dyn Store>,
    subjects: Arc<Subjects>,
    in_force: RwLock<Arc<InForce>>,
    epoch: Epoch,
    recent: Recent,
}

impl Spine {
    /// A spine over an open ledger, with a policy that `receipt` says was recorded.
    pub fn new(
        ledger: Arc<Sequencer>,
        store: Arc<dyn Store>,
        subjects: Arc<Subjects>,
        policy: Policy,
        digest: Sha256,
        receipt: Receipt,
        epoch: Epoch,
    ) -> Self {
        let in_force = RwLock::new(Arc::new(InForce::new(policy, digest, receipt)));
        Self { ledger, store, subjects, in_force, epoch, recent: Recent::default() }
    }

    /// What an ask that begins now is judged by. Taken before the facts are gathered, once for each ask.
    pub fn basis(&self) -> Basis {
        // The number first: a policy that comes in between then judges under a number that is already past.
        let epoch = self.epoch.now();
        Basis { epoch, in_force: self.in_force() }
    }

    /// What is in force now; for an ask, see [`Spine::basis`].
    pub fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of the state that verdicts depend on. Whatever is cached from verdicts carries it.
    pub fn epoch(&self) -> u64 {
        self.epoch.now()
    }

    /// Says that what verdicts rest on has changed (a review, a feed), so that cached verdicts are judged anew.
    pub fn facts_changed(&self) {
        self.epoch.advance();
    }

    /// Puts a policy in force that was recorded.
    pub fn put_in_force(&self, policy: Policy, digest: Sha256, receipt: Receipt) {
        let next = Arc::new(InForce::new(policy, digest, receipt));
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = next;
        self.facts_changed();
    }

    /// The outcome of the same ask a moment ago, when it still covers this one.
    pub fn recent(&self, ask: &Ask) -> Option<Outcome> {
        self.recent.fresh(ask, self.epoch())
    }

    /// The outcome that an entry in the ledger already holds for this very ask: for a listing, whose digest says what it
    /// withholds, one entry covers every repetition, also after a restart.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn recorded(&self, ask: &Ask, title: &str) -> Result<Option<Outcome>, Problem> {
        if let Some(outcome) = self.recent.known(ask) {
            return Ok(Some(outcome));
        }
        let Some(digest) = ask.resource.digest else { return Ok(None) };
        // As an entry would name the asker.
        let now = EntryTime::from_unix_millis(0).expect("invariant: 1970 is a time");
        let named = self.cover(Entry::new(ask, &Verdict::plain(bulkhead_core::Effect::Allow), now, digest)).await?;
        let store = Arc::clone(&self.store);
        let rows = crate::blocking::run(move || store.entries_with_digest(&digest, 1_000)).await?;
        let rows = rows.map_err(|error| error.to_problem())?;
        let same = rows.into_iter().find(|(_, entry)| {
            entry.gate == ask.gate
                && entry.action == ask.action
                && entry.principal == named.principal
                && entry.resource == ask.resource
                && entry.context == named.context
        });
        let epoch = self.epoch();
        Ok(same.map(|(index, entry)| {
            let verdict = Verdict { effect: entry.effect, reasons: entry.reasons };
            let outcome = Outcome::new(Arc::new(verdict), Receipt::new(index), title.into(), epoch);
            self.recent.remember(ask.clone(), outcome.clone());
            outcome
        }))
    }

    /// Records the verdict and turns it into an outcome that covers the same ask for [`FRESH`]. `dress` adds to the
    /// entry what only this kind of ask has. `basis` is the one that the verdict was made by.
    ///
    /// # Errors
    /// When the ledger cannot record. An ask of the same asker that was permitted earlier, and that policy permits now,
    /// stays covered by its own entry: that permit was given when the ledger could.
    pub async fn settle(
        &self,
        ask: &Ask,
        verdict: Verdict,
        title: String,
        basis: &Basis,
        now: Timestamp,
        dress: impl FnOnce(Entry) -> Entry,
    ) -> Result<Outcome, Problem> {
        let epoch = basis.epoch;
        let entry = dress(Entry::new(ask, &verdict, entry_time(now), basis.in_force.digest));
        let receipt = match self.record(entry).await {
            Ok(receipt) => receipt,
            Err(problem) => {
                let standing = self.recent.standing(ask, epoch).filter(|old| old.verdict.effect.passes());
                return standing.filter(|_| verdict.effect.passes()).ok_or(problem);
            }
        };
        let outcome = Outcome::new(Arc::new(verdict), receipt, title.into(), epoch);
        self.recent.remember(ask.clone(), outcome.clone());
        Ok(outcome)
    }

    /// The permit that the outcome stands for, or the refusal.
    ///
    /// # Errors
    /// The refusal, when the verdict does not let the thing pass.
    pub fn admit<T>(&self, ask: &Ask, outcome: &Outcome, thing: T) -> Result<Permit<T>, Problem> {
        if outcome.verdict.effect.passes() {
            return Ok(Permit::new(thing, outcome.receipt));
        }
        let title = outcome.title.to_string();
        Err(Problem::refused(ask.gate, title, &outcome.verdict, Some(outcome.receipt.verdict_id())))
    }

    /// Leave for a listing from which nothing is withheld: it rests on the entry of the policy that withholds nothing.
    pub fn admit_unchanged<T>(&self, in_force: &InForce, thing: T) -> Permit<T> {
        Permit::new(thing, in_force.receipt())
    }

    /// Records an entry, with people in it by their pseudonyms, and waits until it is durable.
    ///
    /// # Errors
    /// When the ledger cannot record.
    pub async fn record(&self, entry: Entry) -> Result<Receipt, Problem> {
        let entry = self.cover(entry).await?;
        record(&self.ledger, entry).await
    }

    /// Records entries in this order and waits until all are durable.
    ///
    /// # Errors
    /// When the ledger cannot record one of them.
    pub async fn record_all(&self, entries: Vec<Entry>) -> Result<Vec<Receipt>, Problem> {
        let mut covered = Vec::with_capacity(entries.len());
        for entry in entries {
            covered.push(self.cover(entry).await?);
        }
        record_all(&self.ledger, covered).await
    }

    /// How an entry is to name that principal, machine or place.
    ///
    /// # Errors
    /// When a new pseudonym cannot be kept.
    pub async fn word_to_keep(&self, of: Of, name: &str) -> Result<String, Problem> {
        let (subjects, name) = (Arc::clone(&self.subjects), name.to_owned());
        crate::blocking::run(move || subjects.word_to_keep(of, &name)).await?.map_err(|error| {
            Problem::new(Code::LedgerUnavailable, format!("a pseudonym for the entry cannot be kept: {error}"))
        })
    }

    async fn cover(&self, entry: Entry) -> Result<Entry, Problem> {
        let covered = if self.subjects.knows(&entry) {
            self.subjects.cover(entry)
        } else {
            let subjects = Arc::clone(&self.subjects);
            crate::blocking::run(move || subjects.cover(entry)).await?
        };
        covered.map_err(|error| {
            Problem::new(Code::LedgerUnavailable, format!("a pseudonym for the entry cannot be kept: {error}"))
                .with_help("nothing is permitted without a record; free disk space or mend the disk, then ask again")
        })
    }
}

/// Records entries in this order, as one batch when the ledger has the time, and waits until all are durable.
///
/// # Errors
/// When the ledger cannot record one of them; those before it stand.
pub async fn record_all(ledger: &Sequencer, entries: Vec<Entry>) -> Result<Vec<Receipt>, Problem> {
    let mut answers = Vec::with_capacity(entries.len());
    for entry in entries {
        let (done, answer) = tokio::sync::oneshot::channel();
        ledger.submit(entry, Box::new(move |result| drop(done.send(result))));
        answers.push(answer);
    }
    let mut receipts = Vec::with_capacity(answers.len());
    for answer in answers {
        receipts.push(received(answer.await)?);
    }
    Ok(receipts)
}

/// Records an entry and waits until it is durable.
///
/// # Errors
/// When the ledger cannot record.
pub async fn record(ledger: &Sequencer, entry: Entry) -> Result<Receipt, Problem> {
    let (done, answer) = tokio::sync::oneshot::channel();
    // The receiver is gone only when the request was dropped meanwhile; the entry stands all the same.
    ledger.submit(entry, Box::new(move |result| drop(done.send(result))));
    received(answer.await)
}

fn received(
    answer: Result<Result<bulkhead_core::EntryIndex, LedgerError>, tokio::sync::oneshot::error::RecvError>,
) -> Result<Receipt, Problem> {
    match answer {
        Ok(Ok(index)) => Ok(Receipt::new(index)),
        Ok(Err(error)) => Err(unavailable(&error)),
        Err(_) => Err(Problem::new(Code::LedgerUnavailable, "the ledger's writer has stopped")
            .with_help("restart Bulkhead; its log says why the writer stopped")),
    }
}

/// The receipt of an entry that the projection of the ledger says is there: the policy in force from before a restart.
///
/// # Errors
/// When the store cannot be read.
pub fn receipt_of_policy(store: &dyn Store, digest: Sha256) -> Result<Option<Receipt>, Problem> {
    let rows = store.entries_with_digest(&digest, 1).map_err(|error| error.to_problem())?;
    let load = rows.into_iter().find(|(_, entry)| entry.action == bulkhead_core::Action::PolicyLoad);
    Ok(load.map(|(index, _)| Receipt::new(index)))
}

fn unavailable(error: &LedgerError) -> Problem {
    Problem::new(Code::LedgerUnavailable, format!("the entry could not be made durable: {error}"))
        .with_help("nothing is permitted without a record; free disk space or mend the disk, then ask again")
}

/// The ledger's form of a time.
pub fn entry_time(now: Timestamp) -> EntryTime {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    EntryTime::from_unix_millis(millis)
        .unwrap_or_else(|_| EntryTime::from_unix_millis(0).expect("invariant: 1970 is a time"))
}
