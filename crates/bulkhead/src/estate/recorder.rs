//! From what is told to entries.

use std::sync::Arc;

use bulkhead_core::{Ask, Code, Effect, Gate, Principal, Problem, Purl, RunId, Sha256, Verdict};
use bulkhead_ledger::Entry;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::submission::Submission;
use crate::clock::Clock;
use crate::ledger::subject::Of;
use crate::spine::{self, Spine};
use crate::store::Store;
use crate::store::graph::Kind;
use crate::store::record::{Asset, MemberLine, Record};

/// What came of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The entries that say it.
    pub entries: Vec<u64>,
    /// The run, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Whether it says what the one before said.
    pub unchanged: bool,
}

/// Projects every durable entry: whether an inventory is unchanged is asked of the projections.
pub type CaughtUp = Box<dyn Fn() -> Result<(), crate::store::StoreError> + Send + Sync>;

/// Records what is told. The runtime gate tells its runs here too.
pub struct Recorder {
    spine: Arc<Spine>,
    store: Arc<dyn Store>,
    clock: Clock,
    caught_up: CaughtUp,
    /// Held while the parts of one report are given to the ledger: the projections rely on it that no other report comes
    /// in between.
    turn: tokio::sync::Mutex<()>,
}

impl Recorder {
    /// A recorder on that spine.
    pub fn new(spine: Arc<Spine>, store: Arc<dyn Store>, clock: Clock, caught_up: CaughtUp) -> Self {
        Self { spine, store, clock, caught_up, turn: tokio::sync::Mutex::new(()) }
    }

    /// Records a report of that principal.
    ///
    /// # Errors
    /// When the report is wrong, or the ledger cannot record.
    pub async fn submit(&self, principal: &Principal, submission: &Submission) -> Result<Recorded, Problem> {
        let now = self.clock.now();
        let fresh = fresh_run(now)?;
        let (contents, mut record) = submission.records(now, || fresh)?;
        let _turn = self.turn.lock().await;
        (self.caught_up)().map_err(|error| error.to_problem())?;
        let mut entries = Vec::new();
        for record in contents {
            let Record::Contents { of, .. } = &record else { continue };
            if !self.has_contents(*of).await? {
                entries.extend(self.entries(principal, &record, now));
            }
        }
        let mut same = false;
        if let Record::Inventory { host, environment, digest, items, unchanged } = &mut record {
            // What was scanned before is found by the words that entries have.
            *host = self.spine.word_to_keep(Of::Host, host).await?;
            *environment = self.spine.word_to_keep(Of::Environment, environment).await?;
            same = self.scanned(host, environment).await? == Some(*digest);
            if same {
                (*items, *unchanged) = (Vec::new(), true);
            }
        }
        if let Record::Assets { assets } = &mut record {
            for asset in assets {
                self.cover(asset).await?;
            }
        }
        entries.extend(self.entries(principal, &record, now));
        let receipts = self.spine.record_all(entries).await?;
        let run = if let Record::Run { run, .. } = &record { Some(*run) } else { None };
        Ok(Recorded { entries: receipts.iter().map(|receipt| receipt.entry().0).collect(), run, unchanged: same })
    }

    /// Records what is inside a file that was judged, so that a file in it can be asked about at any later time.
    ///
    /// # Errors
    /// When the ledger cannot record.
    pub async fn contents(&self, purl: Option<Purl>, of: Sha256, members: Vec<MemberLine>) -> Result<(), Problem> {
        let record = Record::Contents { purl, of, members };
        // No turn: parts of different files may mix, and the files of one install share the ledger's batches.
        if self.has_contents(of).await? {
            return Ok(());
        }
        let entries = self.entries(&Principal::new("bulkhead"), &record, self.clock.now());
        self.spine.record_all(entries).await.map(drop)
    }

    /// People in a declaration by their pseudonyms: owners, and those who are granted something, who must have the same
    /// word as in the entries of their own asks. Machines too, by the words of their inventories.
    async fn cover(&self, asset: &mut Asset) -> Result<(), Problem> {
        if let Asset::Secret { hosts, .. } = asset {
            for host in hosts {
                *host = self.spine.word_to_keep(Of::Host, host).await?;
            }
        }
        let name = match asset {
            Asset::Secret { owner, .. } | Asset::Dataset { owner, .. } | Asset::Partner { owner, .. } => owner.as_mut(),
            Asset::Grant { principal, .. } => Some(principal),
        };
        if let Some(name) = name {
            *name = self.spine.word_to_keep(Of::Principal, name).await?;
        }
        Ok(())
    }

    fn entries(&self, principal: &Principal, record: &Record, now: Timestamp) -> Vec<Entry> {
        let policy = self.spine.in_force().digest;
        let entry = |draft: crate::store::record::Draft| {
            let ask = Ask {
                gate: Gate::Control,
                principal: principal.clone(),
                action: draft.action,
                resource: draft.resource,
                context: draft.context,
            };
            let mut entry = Entry::new(&ask, &Verdict::plain(Effect::Allow), spine::entry_time(now), policy);
            entry.detail = draft.detail;
            entry
        };
        record.drafts().into_iter().map(entry).collect()
    }

    async fn has_contents(&self, of: Sha256) -> Result<bool, Problem> {
        let store = Arc::clone(&self.store);
        let look = move || {
            let mut known = false;
            store.look(&mut |graph| {
                known = match graph.find(Kind::File, &of.to_hex())? {
                    Some(file) => graph.contents(file)?.is_some(),
                    None => false,
                };
                Ok(())
            })?;
            Ok(known)
        };
        crate::blocking::run(look).await?.map_err(|error: crate::store::StoreError| error.to_problem())
    }

    async fn scanned(&self, host: &str, environment: &str) -> Result<Option<Sha256>, Problem> {
        let (store, host, environment) = (Arc::clone(&self.store), host.to_owned(), environment.to_owned());
        let look = move || {
            let mut known = None;
            store.look(&mut |graph| {
                known = graph.scanned(&host, &environment)?;
                Ok(())
            })?;
            Ok(known)
        };
        crate::blocking::run(look).await?.map_err(|error: crate::store::StoreError| error.to_problem())
    }
}

/// A new run's name: UUIDv7 (RFC 9562, section 5.7), from the clock and the system's randomness.
fn fresh_run(now: Timestamp) -> Result<RunId, Problem> {
    let bug = |why: String| Problem::new(Code::Bug, format!("a run could not be named: {why}"));
    let mut random = [0_u8; 10];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| bug("the system gave no randomness".to_owned()))?;
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0) & 0xffff_ffff_ffff;
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let variant = 8 + random[2] % 4;
    let time = format!("{millis:012x}");
    let text = format!("{}-{}-7{}-{variant:x}{}-{}", &time[..8], &time[8..], &hex[..3], &hex[3..6], &hex[6..18]);
    text.parse().map_err(|error: bulkhead_core::IdError| bug(error.to_string()))
}
