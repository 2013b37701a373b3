//! Entries, keys and faulty disks for this crate's tests.

use std::sync::Arc;

use bulkhead_core::{Action, Ask, Context, Effect, Gate, Principal, Reason, Resource, Sha256, Verdict};

use crate::LedgerError;
use crate::backend::faulty::Disk;
use crate::entry::{Entry, EntryTime};
use crate::head::{FileHead, HeadStore};
use crate::key::{Origin, SigningKey, VerifierKey};
use crate::sequencer::{Done, Options, Recovered, Sequencer};

/// An entry that can be told from others by its number.
pub(crate) fn entry(number: u64) -> Entry {
    let ask = Ask {
        gate: Gate::Intake,
        principal: Principal::new(format!("p{number}")),
        action: Action::Fetch,
        resource: Resource { file: Some(format!("f-{number}.whl")), ..Resource::default() },
        context: Context::default(),
    };
    let time = EntryTime::from_unix_millis(1_774_000_000_000 + number).unwrap();
    Entry::new(&ask, &Verdict::plain(Effect::Allow), time, Sha256::from_bytes([7; 32]))
}

/// A reason with everything in it.
pub(crate) fn reason(rule: &str, text: &str) -> Reason {
    Reason {
        rule: rule.to_owned(),
        effect: Effect::Hold,
        text: text.to_owned(),
        help: "use 1.0 \"instead\"".to_owned(),
        audit: true,
        excepted_by: Some("e1".to_owned()),
    }
}

pub(crate) fn origin() -> Origin {
    "ledger.test/main".parse().unwrap()
}

/// The same key for every test that needs to open a log twice.
pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(&[9; 32])
}

pub(crate) fn verifier() -> VerifierKey {
    key().verifier(&origin())
}

/// A caller who only wants to know that it went well.
pub(crate) fn answered() -> Done {
    Box::new(|index| assert!(index.is_ok(), "{index:?}"))
}

/// Where the trusted head is on a disk of the tests: on the same one, so that the fault tables cover it too.
pub(crate) const HEAD: &str = "trusted/head";

pub(crate) fn heads(disk: &Disk) -> Arc<dyn HeadStore> {
    Arc::new(FileHead::new(Arc::new(disk.clone()), HEAD))
}

pub(crate) fn open_on(disk: &Disk, options: Options) -> Result<(Sequencer, Recovered), LedgerError> {
    Sequencer::open_on(Arc::new(disk.clone()), heads(disk), origin(), key(), options)
}
