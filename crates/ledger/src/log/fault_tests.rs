//! Every file operation fails once: without effect, half done, or done with the answer lost; and the machine goes on or
//! stops there. Then: every entry that was acknowledged is in the log, the log verifies, and it takes entries again.

use std::time::Duration;

use bulkhead_core::EntryIndex;

use crate::backend::faulty::{Disk, Effect, Fault, Operation, Unsynced};
use crate::fixture::{answered, entry, open_on, verifier};
use crate::sequencer::{Options, Sequencer};
use crate::verify::verify;
use crate::{LedgerError, Recovered};

/// So many entries are there before the fault, where nothing else is asked for.
const BEFORE: u64 = 3;
/// So many that the workload fills a tile.
const BEFORE_A_TILE: u64 = 252;
/// Operations of one kind are failed up to this one; the table checks that it reaches behind the workload's last.
const MOST: u32 = 24;

fn open(disk: &Disk) -> Result<(Sequencer, Recovered), LedgerError> {
    // Integration happens when the workload asks: the table is the same in every run.
    let options = Options { checkpoint_every: Duration::from_secs(3600), ..Options::default() };
    open_on(disk, options)
}

fn disk_with(entries: u64) -> Disk {
    let disk = Disk::default();
    let (sequencer, _) = open(&disk).unwrap();
    (0..entries).for_each(|number| sequencer.submit(entry(number), answered()));
    sequencer.close().unwrap();
    assert_eq!(sequencer.log().integrated(), entries);
    disk
}

/// Appends entries one after the other with checkpoints between, and gives those that were acknowledged.
fn workload(sequencer: &Sequencer) -> Vec<(EntryIndex, u64)> {
    let mut acknowledged = Vec::new();
    for number in 1000..1008 {
        if let Ok(index) = sequencer.append(entry(number)) {
            acknowledged.push((index, number));
        }
        if number % 3 == 0 {
            // It may be the one that fails.
            let _size = sequencer.integrate_now();
        }
    }
    acknowledged
}

fn check(disk: &Disk, acknowledged: &[(EntryIndex, u64)], case: &str) {
    let (sequencer, _) = open(disk).unwrap_or_else(|error| panic!("{case}: {error}"));
    let log = sequencer.log();
    for (index, number) in acknowledged {
        let bytes = log.entry_bytes(*index).unwrap().unwrap_or_else(|| panic!("{case}: entry {index} is lost"));
        assert_eq!(bytes, entry(*number).encode(*index).unwrap(), "{case}: entry {index} is another");
    }
    let last = sequencer.append(entry(2000)).unwrap_or_else(|error| panic!("{case}: {error}"));
    sequencer.close().unwrap();
    let report = verify(&log, &verifier()).unwrap_or_else(|fault| panic!("{case}: {fault}"));
    assert_eq!(report.size, last.0 + 1, "{case}");
}

/// Fails the nth operation of that kind and checks what is left. Says whether there was an nth.
fn run(base: &Disk, fault: Fault, unsynced: Unsynced) -> bool {
    let (disk, case) = (base.copy(), format!("{fault:?} {unsynced:?}"));
    disk.set_fault(Some(fault));
    let mut acknowledged = Vec::new();
    match open(&disk) {
        Ok((sequencer, _)) => {
            acknowledged = workload(&sequencer);
            if !fault.crash {
                // One fault costs at most the batch that it hit; the next attempt goes through.
                assert!(acknowledged.len() >= 7, "{case}: only {} acknowledged", acknowledged.len());
                let last = sequencer.append(entry(1008)).or_else(|_| sequencer.append(entry(1008)));
                acknowledged.push((last.unwrap_or_else(|error| panic!("{case}: {error}")), 1008));
                let health = sequencer.health();
                assert!(health.append_error.is_none(), "{case}: {health:?}");
            }
            let closed = sequencer.close();
            assert!(closed.is_ok() || disk.fault_happened(), "{case}: {closed:?}");
        }
        // A machine that stops cannot say what it did: that is fatal for the process, and not for the ledger.
        Err(error) => assert!(disk.fault_happened() && (fault.crash || !error.is_fatal()), "{case}: {error}"),
    }
    let happened = disk.fault_happened();
    disk.restart(unsynced);
    check(&disk, &acknowledged, &case);
    happened
}

fn table(base: &Disk, operation: Operation, crash: bool, unsynced: &[Unsynced]) -> u32 {
    let mut happened = 0;
    for effect in [Effect::Nothing, Effect::Half, Effect::All] {
        for unsynced in unsynced {
            let reached =
                (0..MOST).take_while(|nth| run(base, Fault { operation, nth: *nth, effect, crash }, *unsynced));
            let reached = reached.count() as u32;
            assert!(reached < MOST, "the table does not reach the last {operation:?}");
            happened += reached;
        }
    }
    happened
}

#[test]
fn every_operation_may_fail_once() {
    let base = disk_with(BEFORE);
    for operation in [Operation::Read, Operation::Open, Operation::Write, Operation::Sync, Operation::Replace] {
        let happened = table(&base, operation, false, &[Unsynced::Lost]);
        assert!(happened > 0, "{operation:?} never happened");
    }
}

#[test]
fn the_machine_may_stop_at_every_operation() {
    let base = disk_with(BEFORE);
    let all = [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn];
    for operation in [Operation::Read, Operation::Open, Operation::Write, Operation::Sync, Operation::Replace] {
        let happened = table(&base, operation, true, &all);
        assert!(happened > 0, "{operation:?} never happened");
    }
}

#[test]
fn a_tile_may_fail_at_every_operation() {
    let base = disk_with(BEFORE_A_TILE);
    for (operation, crash) in [(Operation::Read, false), (Operation::Replace, false), (Operation::Replace, true)] {
        let happened = table(&base, operation, crash, &[Unsynced::Torn]);
        assert!(happened > 0, "{operation:?} never happened");
    }
}

#[test]
fn a_new_segment_may_fail_at_every_operation() {
    let base = disk_with(4093);
    for crash in [false, true] {
        for (operation, nth) in
            [(Operation::Open, 1), (Operation::Write, 3), (Operation::Sync, 3), (Operation::Replace, 2)]
        {
            assert!(run(&base, Fault { operation, nth, effect: Effect::Half, crash }, Unsynced::Torn), "{operation:?}");
        }
    }
}

#[test]
fn a_failed_cut_back_closes_the_log_until_its_state_is_known() {
    for effect in [Effect::Nothing, Effect::All] {
        let disk = disk_with(BEFORE);
        let (sequencer, _) = open(&disk).unwrap();
        disk.set_full(true);
        disk.set_fault(Some(Fault { operation: Operation::Truncate, nth: 0, effect, crash: false }));
        // The write fails, the cut fails, and until there is space nothing can be established.
        for number in 0..3 {
            assert!(sequencer.append(entry(number)).is_err());
        }
        assert!(sequencer.health().append_error.is_some());
        disk.set_full(false);
        assert_eq!(sequencer.append(entry(3)).unwrap(), EntryIndex(BEFORE));
        assert!(sequencer.health().append_error.is_none());
        sequencer.close().unwrap();
        disk.restart(Unsynced::Lost);
        check(&disk, &[(EntryIndex(BEFORE), 3)], "after a failed cut");
    }
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let disk = disk_with(BEFORE);
    let (sequencer, _) = open(&disk).unwrap();
    let first = sequencer.append(entry(0)).unwrap();
    disk.set_full(true);
    for number in 1..4 {
        let refused = sequencer.append(entry(number));
        assert!(matches!(refused, Err(LedgerError::Io { .. })), "{refused:?}");
        assert!(sequencer.integrate_now().is_err());
        // What was permitted before can still be read.
        assert!(sequencer.log().entry_bytes(first).unwrap().is_some());
    }
    disk.set_full(false);
    let next = sequencer.append(entry(9)).unwrap();
    assert_eq!(next.0, first.0 + 1);
    assert_eq!(sequencer.integrate_now().unwrap(), next.0 + 1);
    drop(sequencer);
    disk.restart(Unsynced::Lost);
    check(&disk, &[(first, 0), (next, 9)], "after a full disk");
}

#[test]
fn after_a_failed_sync_the_old_pages_are_not_trusted() {
    let disk = disk_with(BEFORE);
    let (sequencer, _) = open(&disk).unwrap();
    let first = sequencer.append(entry(0)).unwrap();
    disk.set_fault(Some(Fault { operation: Operation::Sync, nth: 0, effect: Effect::Nothing, crash: false }));
    assert!(sequencer.append(entry(1)).is_err());
    // The same entry again would now "succeed" on the old file without reaching the disk.
    let second = sequencer.append(entry(1)).unwrap();
    assert_eq!(disk.count(Operation::Replace), 1, "the segment was not written anew");
    drop(sequencer);
    disk.restart(Unsynced::Lost);
    check(&disk, &[(first, 0), (second, 1)], "after a failed sync");
}
