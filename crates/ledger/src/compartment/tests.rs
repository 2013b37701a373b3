use std::sync::Arc;

use super::*;
use crate::backend::faulty::Disk;
use crate::fixture::{heads, key, open_on, verifier};
use crate::key::Origin;
use crate::sequencer::{Options, Sequencer};

fn origin() -> Origin {
    "ledger.test/acme".parse().unwrap()
}

/// A compartment's log; with the same key in both, which only its name tells from the root's.
fn compartment(disk: &Disk) -> Sequencer {
    Sequencer::open_on(Arc::new(disk.clone()), heads(disk), origin(), key(), Options::default()).unwrap().0
}

fn anchor(root: &Sequencer, note: &[u8]) {
    let time = EntryTime::from_unix_millis(1).unwrap();
    root.append(entry(note, time, Sha256::from_bytes([2; 32])).unwrap()).unwrap();
}

fn grow(log: &Sequencer, numbers: std::ops::Range<u64>) -> Vec<u8> {
    for number in numbers {
        log.append(crate::fixture::entry(number)).unwrap();
    }
    log.integrate_now().unwrap();
    log.log().checkpoint()
}

#[test]
fn the_root_holds_a_compartment_to_one_history() {
    let (root_disk, disk, fork_disk) = (Disk::default(), Disk::default(), Disk::default());
    let (root, acme) = (open_on(&root_disk, Options::default()).unwrap().0, compartment(&disk));
    root.append(crate::fixture::entry(0)).unwrap();
    anchor(&root, &grow(&acme, 0..5));
    anchor(&root, &grow(&acme, 5..300));
    anchor(&root, &acme.log().checkpoint());
    grow(&acme, 300..310);
    root.integrate_now().unwrap();
    let key = key().verifier(&origin());
    let checked = verify_anchored(&root.log(), &verifier(), &acme.log(), &key).unwrap();
    assert_eq!((checked.checkpoints, checked.anchored, checked.compartment.size, checked.root.size), (3, 300, 310, 4));
    // What the root holds of other compartments is nobody's business here.
    let other = key.name().as_str().replace("acme", "globex").parse().unwrap();
    let globex = crate::fixture::key().verifier(&other);
    let empty = Sequencer::open_on(
        Arc::new(Disk::default()),
        heads(&fork_disk),
        other,
        crate::fixture::key(),
        Options::default(),
    );
    let empty = empty.unwrap().0;
    assert_eq!(verify_anchored(&root.log(), &verifier(), &empty.log(), &globex).unwrap().checkpoints, 0);

    // The partner is shown another history of its compartment, signed by the same key.
    let forked = Disk::default();
    let fork = compartment(&forked);
    grow(&fork, 1000..1310);
    let fault = verify_anchored(&root.log(), &verifier(), &fork.log(), &key).unwrap_err().to_string();
    assert!(fault.contains("entry 1 of the root log") && fault.contains("another root"), "{fault}");
    // Or a shorter one.
    let short = Disk::default();
    let shorter = compartment(&short);
    grow(&shorter, 0..5);
    let fault = verify_anchored(&root.log(), &verifier(), &shorter.log(), &key).unwrap_err().to_string();
    assert!(fault.contains("entry 2 of the root log") && fault.contains("more entries"), "{fault}");
    // The root itself goes back.
    anchor(&root, &shorter.log().checkpoint());
    root.integrate_now().unwrap();
    let fault = verify_anchored(&root.log(), &verifier(), &acme.log(), &key).unwrap_err().to_string();
    assert!(fault.contains("entry 4 of the root log") && fault.contains("shorter than one before"), "{fault}");
}

#[test]
fn only_a_whole_note_counts() {
    let note = Checkpoint { origin: origin(), size: 0, root: crate::merkle::empty_root() }.sign(&key()).unwrap();
    let time = EntryTime::from_unix_millis(1).unwrap();
    let good = entry(&note, time, Sha256::from_bytes([2; 32])).unwrap();
    assert_eq!(super::note(&good), Some(&note[..]));
    assert_eq!(super::note(&good.clone().with_detail("checkpoint", "other")), None);
    assert_eq!(super::note(&Entry { action: Action::Fetch, ..good }), None);
    assert!(entry(b"no note", time, Sha256::from_bytes([2; 32])).is_err());
}

/// A log that counts what is read of it.
struct Counting<'a> {
    log: &'a crate::Log,
    read: std::sync::Mutex<std::collections::BTreeMap<String, usize>>,
}

impl Source for Counting<'_> {
    fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
        *self.read.lock().unwrap().entry(path.to_owned()).or_default() += 1;
        self.log.read(path)
    }
}

/// What is compared is what was verified: a server cannot show one thing to the one and another to the other.
#[test]
fn every_resource_is_read_once() {
    let (root_disk, disk) = (Disk::default(), Disk::default());
    let (root, acme) = (open_on(&root_disk, Options::default()).unwrap().0, compartment(&disk));
    anchor(&root, &grow(&acme, 0..300));
    grow(&root, 0..600);
    let (root, acme) = (root.log(), acme.log());
    let counting = |log| Counting { log, read: std::sync::Mutex::default() };
    let (root, acme) = (counting(&root), counting(&acme));
    let checked = verify_anchored(&root, &verifier(), &acme, &key().verifier(&origin())).unwrap();
    assert_eq!((checked.checkpoints, checked.anchored), (1, 300));
    for counted in [&root, &acme] {
        let read = counted.read.lock().unwrap();
        assert!(read.len() > 4 && read.values().all(|times| *times == 1), "{read:?}");
    }
}
