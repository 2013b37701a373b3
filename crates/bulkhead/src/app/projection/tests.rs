use std::sync::mpsc;

use bulkhead_core::{Action, Effect, Purl, Resource, Sha256, Verdict};
use bulkhead_ledger::LedgerError;

use super::*;
use crate::app::control_ask;
use crate::store::SqliteStore;

fn rejection(purl: &Purl) -> Entry {
    let resource = Resource { purl: Some(purl.clone()), ..Resource::default() };
    let ask = control_ask(Action::ReviewReject, "sec", resource);
    let (time, policy) = ("2026-03-24T10:00:00Z".parse().unwrap(), Sha256::from_bytes([1; 32]));
    let entry = Entry::new(&ask, &Verdict::plain(Effect::Allow), crate::spine::entry_time(time), policy);
    entry.with_detail("owner", "sec").with_detail("reason", "not ours")
}

fn open(folder: &std::path::Path, projector: &Projector) -> Sequencer {
    let observer = projector.clone();
    let options =
        Options { on_durable: Some(Box::new(move |entries| observer.observe(entries))), ..Options::default() };
    let key = SigningKey::generate().unwrap();
    Sequencer::open(&folder.join("ledger"), &folder.join("head"), "bulkhead.test".parse().unwrap(), key, options)
        .unwrap()
        .0
}

/// The race that let a rejected release pass: the operator was answered, and the projection had not come to the review.
#[test]
fn a_review_that_was_answered_is_judged_by_once_what_waits_is_projected() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
    let epoch = Epoch::default();
    let projector = Projector::new(Arc::clone(&store), epoch.clone());
    let sequencer = open(folder.path(), &projector);
    let demo: Purl = "pkg:pypi/demo@1.0".parse().unwrap();
    let before = epoch.now();
    let (sender, receiver) = mpsc::channel();
    let (asked, asking) = (demo.clone(), store);
    // In the answer itself, on the thread that gives it: the earliest moment at which anybody can know of the entry.
    let answered = move |index: Result<EntryIndex, LedgerError>| {
        projector.flush().unwrap();
        let decided = asking.decisions_for(&asked).unwrap();
        sender.send((index.unwrap(), decided.len(), epoch.now())).unwrap();
    };
    sequencer.submit(rejection(&demo), Box::new(answered));
    let (index, decided, after) = receiver.recv().unwrap();
    assert_eq!((index, decided), (EntryIndex(0), 1));
    assert_ne!(after, before, "what was cached from verdicts before the review is judged anew");
}

/// Nobody asks for the projection here: the review was durable, and the disk was full when it was to be projected.
#[test]
fn a_review_that_is_projected_behind_ends_what_was_cached() {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
    let epoch = Epoch::default();
    let projector = Projector::new(store, epoch.clone());
    let demo: Purl = "pkg:pypi/demo@1.0".parse().unwrap();
    let before = epoch.now();
    projector.observe(&[(EntryIndex(0), rejection(&demo))]);
    projector.flush().unwrap();
    assert_ne!(epoch.now(), before);
}

/// A release that was served a moment ago is the floor of what is asked next, before the store has heard of it.
#[test]
fn what_was_served_lately_is_told_until_the_store_tells_it() {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
    let projector = Projector::new(Arc::clone(&store), Epoch::default());
    let project: Purl = "pkg:pypi/demo".parse().unwrap();
    let resource = Resource { purl: Some(project.at("2.0")), ..Resource::default() };
    let ask = bulkhead_core::Ask { gate: bulkhead_core::Gate::Intake, ..control_ask(Action::Fetch, "dev", resource) };
    let (time, policy) = ("2026-03-24T10:00:00Z".parse().unwrap(), Sha256::from_bytes([1; 32]));
    let entry = Entry::new(&ask, &Verdict::plain(Effect::Allow), crate::spine::entry_time(time), policy);
    projector.observe(&[(EntryIndex(0), entry)]);
    let told = |served: Vec<crate::store::ServedVersion>| {
        served.into_iter().map(|served| served.version).collect::<std::collections::BTreeSet<_>>()
    };
    let either: std::collections::BTreeSet<String> =
        told(projector.served_lately(&project)).union(&told(store.served(&project).unwrap())).cloned().collect();
    assert_eq!(either, ["2.0".to_owned()].into());
    projector.flush().unwrap();
    assert_eq!(told(store.served(&project).unwrap()), ["2.0".to_owned()].into());
    assert!(projector.served_lately(&project).is_empty());
    assert!(projector.served_lately(&"pkg:pypi/other".parse().unwrap()).is_empty());
}
