//! The trusted head: what it refuses, and what the ledger does when it cannot say what it holds.

use std::sync::Mutex;

use super::*;
use crate::LedgerError;
use crate::backend::faulty::{Disk, Unsynced};
use crate::fixture::{HEAD, answered, entry, heads, key, open_on, origin, verifier};
use crate::sequencer::{Options, Sequencer};
use crate::verify::verify;

fn patient() -> Options {
    Options { checkpoint_every: std::time::Duration::from_secs(3600), ..Options::default() }
}

fn disk_with(entries: u64) -> Disk {
    let disk = Disk::default();
    let (sequencer, _) = open_on(&disk, patient()).unwrap();
    (0..entries).for_each(|number| sequencer.submit(entry(number), answered()));
    sequencer.close().unwrap();
    disk
}

fn opening(disk: &Disk) -> String {
    match open_on(disk, patient()) {
        Ok(_) => "opened".to_owned(),
        Err(error) => {
            assert!(error.is_fatal(), "{error}");
            error.to_string()
        }
    }
}

#[test]
fn it_changes_only_from_what_is_there() {
    let heads = heads(&Disk::default());
    assert_eq!(heads.load().unwrap(), None);
    assert_eq!(heads.swap(Some(b"x"), b"y").unwrap(), Swap::Other);
    assert_eq!(heads.swap(None, b"a").unwrap(), Swap::Done);
    assert_eq!(heads.swap(None, b"b").unwrap(), Swap::Other);
    assert_eq!(heads.swap(Some(b"b"), b"c").unwrap(), Swap::Other);
    assert_eq!(heads.swap(Some(b"a"), b"b").unwrap(), Swap::Done);
    assert_eq!(heads.load().unwrap().unwrap(), b"b");
}

#[test]
fn of_two_writers_on_copies_of_one_folder_the_second_stops() {
    let (one, two) = (disk_with(3), disk_with(3));
    let shared = heads(&one);
    let open = |disk: &Disk| {
        Sequencer::open_on(Arc::new(disk.clone()), Arc::clone(&shared), origin(), key(), patient()).unwrap().0
    };
    // Two machines with the same folder, which flock does not keep apart, and one trusted place.
    let (first, second) = (open(&one), open(&two));
    first.append(entry(100)).unwrap();
    second.append(entry(200)).unwrap();
    assert_eq!(first.integrate_now().unwrap(), 4);
    assert!(matches!(second.integrate_now(), Err(LedgerError::OtherWriter)));
    // Nothing more is appended, and no second head of size 4 was ever signed.
    assert!(matches!(second.append(entry(201)), Err(LedgerError::OtherWriter)));
    assert_eq!(second.log().integrated(), 3);
    assert!(second.health().stopped().is_some() && first.health().stopped().is_none());
    first.append(entry(101)).unwrap();
    first.close().unwrap();
    assert_eq!(verify(&first.log(), &verifier()).unwrap().size, 5);
}

#[test]
fn a_folder_and_a_head_that_do_not_belong_together_do_not_open() {
    let (short, long) = (disk_with(3), disk_with(5));
    let with_head = |folder: &Disk, head: Option<Vec<u8>>| {
        let disk = folder.copy();
        disk.set_file(HEAD, head);
        disk
    };
    // The folder came out of a backup and the head did not, or the other way round.
    let old_folder = opening(&with_head(&short, long.file(HEAD)));
    assert!(old_folder.contains("the checkpoint covers 5 entries, only 3 are there"), "{old_folder}");
    let old_head = opening(&with_head(&long, short.file(HEAD)));
    assert!(old_head.contains("the folder is at 5 entries, the trusted head at 3"), "{old_head}");
    let no_head = opening(&with_head(&long, None));
    assert!(no_head.contains("trusted head is missing"), "{no_head}");
    // A head of the same size and another history.
    let other = Disk::default();
    let (sequencer, _) = open_on(&other, patient()).unwrap();
    (10..15).for_each(|number| sequencer.submit(entry(number), answered()));
    sequencer.close().unwrap();
    let forked = opening(&with_head(&long, other.file(HEAD)));
    assert!(forked.contains("two heads of size 5 have different roots"), "{forked}");
    // The head of another log, signed by its own key.
    let elsewhere = Disk::default();
    let name = "elsewhere.test".parse().unwrap();
    drop(Sequencer::open_on(Arc::new(elsewhere.clone()), heads(&elsewhere), name, key(), patient()).unwrap());
    let other_log = opening(&with_head(&long, elsewhere.file(HEAD)));
    assert!(other_log.contains("carries no signature by the key `ledger.test/main`"), "{other_log}");
    assert_eq!(opening(&long), "opened");
}

#[test]
fn a_copy_that_is_behind_or_gone_is_written_again() {
    let (short, long) = (disk_with(3), disk_with(5));
    for copy in [None, short.file("checkpoint")] {
        let disk = long.copy();
        disk.set_file("checkpoint", copy);
        assert_eq!(opening(&disk), "opened");
        assert_eq!(disk.file("checkpoint"), long.file(HEAD));
    }
}

/// What the trusted place does at one swap.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fails {
    /// Nothing is written.
    Before,
    /// It is written, and the answer is lost.
    After,
}

/// A trusted place that fails at its nth swap, and at the loads that follow while `blind`.
struct Faulty {
    value: Mutex<Option<Vec<u8>>>,
    plan: Mutex<Plan>,
}

struct Plan {
    swaps: u32,
    fail_at: u32,
    fails: Fails,
    /// So many calls after the failing one fail as well.
    blind: u32,
}

impl HeadStore for Faulty {
    fn load(&self) -> io::Result<Option<Vec<u8>>> {
        let mut plan = self.plan.lock().unwrap();
        if plan.swaps > plan.fail_at && plan.blind > 0 {
            plan.blind -= 1;
            return Err(io::Error::other("blind"));
        }
        Ok(self.value.lock().unwrap().clone())
    }

    fn swap(&self, old: Option<&[u8]>, new: &[u8]) -> io::Result<Swap> {
        let mut plan = self.plan.lock().unwrap();
        let this = plan.swaps;
        plan.swaps += 1;
        let mut value = self.value.lock().unwrap();
        if value.as_deref() != old {
            return Ok(Swap::Other);
        }
        if this != plan.fail_at || plan.fails == Fails::After {
            *value = Some(new.to_vec());
        }
        if this == plan.fail_at { Err(io::Error::other("injected")) } else { Ok(Swap::Done) }
    }
}

/// Fault table of the trusted place: each swap fails, before or after it was kept, and the place can or cannot say which.
/// Then the process ends, the machine starts again, and: everything acknowledged is there, the log verifies, it continues.
#[test]
fn every_swap_may_fail_and_nothing_is_ever_signed_twice() {
    for fail_at in 0..4 {
        for fails in [Fails::Before, Fails::After] {
            for blind in [0, 1] {
                run(fail_at, fails, blind);
            }
        }
    }
}

fn run(fail_at: u32, fails: Fails, blind: u32) {
    let case = format!("swap {fail_at} fails {fails:?}, blind {blind}");
    let disk = Disk::default();
    let plan = Plan { swaps: 0, fail_at, fails, blind };
    let heads: Arc<dyn HeadStore> = Arc::new(Faulty { value: Mutex::default(), plan: Mutex::new(plan) });
    let open = || Sequencer::open_on(Arc::new(disk.clone()), Arc::clone(&heads), origin(), key(), patient());
    let mut acknowledged = Vec::new();
    let mut stopped = false;
    match open() {
        Err(error) => stopped = error.is_fatal(),
        Ok((sequencer, _)) => {
            for number in 0..4 {
                if let Ok(index) = sequencer.append(entry(number)) {
                    acknowledged.push((index, number));
                }
                let _size = sequencer.integrate_now();
            }
            stopped |= sequencer.health().stopped().is_some();
            assert!(stopped || acknowledged.len() == 4, "{case}");
            let closed = sequencer.close();
            assert_eq!(closed.is_err(), stopped, "{case}: {closed:?}");
        }
    }
    // A place that cannot say what it holds stops the process, and only that does.
    assert_eq!(stopped, blind > 0, "{case}");
    disk.restart(Unsynced::Lost);
    let (sequencer, _) = open().or_else(|_| open()).unwrap_or_else(|error| panic!("{case}: {error}"));
    for (index, number) in acknowledged {
        let bytes = sequencer.log().entry_bytes(index).unwrap().unwrap_or_else(|| panic!("{case}: {index} is lost"));
        assert_eq!(bytes, entry(number).encode(index).unwrap(), "{case}");
    }
    let last = sequencer.append(entry(2000)).unwrap();
    sequencer.close().unwrap();
    assert_eq!(verify(&sequencer.log(), &verifier()).unwrap().size, last.0 + 1, "{case}");
}
