use std::time::Duration;

use super::*;
use crate::backend::faulty::{Disk, Unsynced};
use crate::fixture::{HEAD, answered, entry, heads, key, open_on, origin, verifier};
use crate::merkle::{leaf_hash, verify_consistency};
use crate::segment::{encode_frame, path_of_segment};
use crate::sequencer::{Options, Recovered, Sequencer};
use crate::tile::{decode_bundle, decode_hashes};
use crate::verify::verify;

fn open(disk: &Disk) -> Result<(Sequencer, Recovered), LedgerError> {
    let options = Options { checkpoint_every: Duration::from_secs(3600), max_waiting: 100_000, ..Options::default() };
    open_on(disk, options)
}

fn disk_with(entries: u64) -> Disk {
    let disk = Disk::default();
    let (sequencer, _) = open(&disk).unwrap();
    (0..entries).for_each(|number| sequencer.submit(entry(number), answered()));
    sequencer.close().unwrap();
    disk
}

#[test]
fn seventy_thousand_entries_make_the_tiles_of_the_specification() {
    // Leaves alone: the tree does not look inside entries.
    let disk = disk_with(0);
    let (sequencer, _) = open(&disk).unwrap();
    let log = sequencer.log();
    let signer = integrate::Signer { origin: origin(), key: key(), heads: heads(&disk) };
    let leaves: Vec<Sha256> = (0..70_000_u64).map(|number| leaf_hash(&number.to_be_bytes())).collect();
    for part in leaves.chunks(997) {
        integrate::integrate(&log, &signer, part).unwrap();
    }
    let count = |prefix: &str| disk.paths().iter().filter(|path| path.starts_with(prefix)).count();
    assert_eq!((count("tile/0/"), count("tile/1/"), count("tile/2/")), (273, 1, 0));
    for (level, index, width) in [(0, 273, 112), (1, 1, 17), (2, 0, 1)] {
        let bytes = log.tile(level, index, width).unwrap().unwrap();
        assert_eq!(decode_hashes(&bytes, width).unwrap().len(), usize::from(width));
        assert_eq!(log.tile(level, index, width + 1).unwrap(), None, "level {level}");
        assert_eq!(log.tile(level, index, 256).unwrap(), None, "level {level}");
    }
    assert_eq!(log.tile(3, 0, 1).unwrap(), None);
    assert_eq!(log.tile(63, 0, 1).unwrap(), None);
    // A narrower tile of an earlier size is still served, and is the beginning of the full one.
    let full = log.resource("tile/0/000").unwrap().unwrap();
    let narrow = log.resource("tile/0/000.p/7").unwrap().unwrap();
    assert_eq!(narrow.bytes, full.bytes[..7 * 32]);
    assert!(full.immutable);
}

#[test]
fn bundles_hold_the_entries_and_only_integrated_ones() {
    let disk = disk_with(600);
    let (sequencer, _) = open(&disk).unwrap();
    let log = sequencer.log();
    let bundle = log.resource("tile/entries/002.p/88").unwrap().unwrap().bytes;
    let entries = decode_bundle(&bundle, 88).unwrap();
    assert_eq!(entries[87], entry(599).encode(EntryIndex(599)).unwrap());
    sequencer.append(entry(600)).unwrap();
    assert_eq!(log.resource("tile/entries/002.p/89").unwrap(), None);
    assert_eq!(log.entry_bytes(EntryIndex(600)).unwrap().unwrap(), entry(600).encode(EntryIndex(600)).unwrap());
    assert_eq!(log.entry_bytes(EntryIndex(601)).unwrap(), None);
    sequencer.integrate_now().unwrap();
    assert!(log.resource("tile/entries/002.p/89").unwrap().is_some());
    assert_eq!(log.resource("tile/entries/001").unwrap(), log.resource("tile/entries/001").unwrap());
    assert_eq!(log.entries(598..9999).map(|entry| entry.unwrap().0.0).collect::<Vec<_>>(), [598, 599, 600]);
    assert_eq!(log.entries(601..700).count(), 0);
    let ahead = log.entries_ahead(3..9999).map(Result::unwrap).collect::<Vec<_>>();
    let with_bytes = |(at, entry): (EntryIndex, crate::Entry)| {
        let bytes = log.entry_bytes(at).unwrap().unwrap();
        (at, entry, bytes)
    };
    assert_eq!(ahead, log.entries(3..9999).map(Result::unwrap).map(with_bytes).collect::<Vec<_>>());
    assert_eq!(log.entries_ahead(601..700).count(), 0);
    assert_eq!(log.entries_ahead(0..601).take(5).count(), 5, "who stops early is waited for by nobody");
}

#[test]
fn other_paths_are_nothing() {
    let (sequencer, _) = open(&disk_with(3)).unwrap();
    let log = sequencer.log();
    for path in [
        "",
        "lock",
        "edge",
        "segment/000",
        "tile/0/000",
        "tile/0/000.p/4",
        "tile/1/000",
        "../checkpoint",
        "/checkpoint",
    ] {
        assert_eq!(log.resource(path).unwrap(), None, "{path}");
    }
    let checkpoint = log.resource("checkpoint").unwrap().unwrap();
    assert!(!checkpoint.immutable && checkpoint.bytes.starts_with(b"ledger.test/main\n3\n"));
}

#[test]
fn proofs_from_tiles_verify() {
    let (sequencer, _) = open(&disk_with(700)).unwrap();
    let log = sequencer.log();
    for index in [0, 1, 255, 256, 511, 512, 699].map(EntryIndex) {
        let proof = log.inclusion_proof(index).unwrap().unwrap();
        let bytes = log.entry_bytes(index).unwrap().unwrap();
        assert_eq!(proof.verify(&bytes, &verifier()).unwrap().checkpoint.size, 700);
    }
    assert_eq!(log.inclusion_proof(EntryIndex(700)).unwrap(), None);
    for old in [0, 1, 255, 256, 300, 512, 699, 700] {
        let proof = log.consistency_proof(old, 700).unwrap();
        verify_consistency(old, 700, &log.root(old).unwrap(), &log.root(700).unwrap(), &proof).unwrap();
    }
    assert!(log.consistency_proof(1, 701).is_err());
    assert!(log.consistency_proof(2, 1).is_err());
}

#[test]
fn a_torn_tail_is_cut_at_every_byte() {
    let disk = disk_with(3);
    let path = path_of_segment(0);
    let whole = disk.file(&path).unwrap();
    let frame = encode_frame(3, &[entry(3).encode(EntryIndex(3)).unwrap()]).unwrap();
    for length in 0..=frame.len() {
        let disk = disk.copy();
        disk.set_file(&path, Some([&whole[..], &frame[..length]].concat()));
        let (sequencer, recovered) = open(&disk).unwrap();
        let expected = if length == frame.len() { (4, 1, 0) } else { (3, 0, length) };
        assert_eq!((recovered.entries, recovered.reintegrated, recovered.torn_bytes), expected);
        let next = sequencer.append(entry(7)).unwrap();
        assert_eq!(next.0, recovered.entries);
        drop(sequencer);
        disk.restart(Unsynced::Lost);
        let (sequencer, recovered) = open(&disk).unwrap();
        assert_eq!((recovered.entries, recovered.torn_bytes), (next.0 + 1, 0), "torn at {length}");
        drop(sequencer);
    }
}

/// Damages a good ledger and gives what opening it says.
fn opening_after(entries: u64, damage: impl FnOnce(&Disk)) -> String {
    let disk = disk_with(entries);
    damage(&disk);
    match open(&disk) {
        Ok(_) => "opened".to_owned(),
        Err(error) => {
            assert!(error.is_fatal(), "{error}");
            error.to_string()
        }
    }
}

fn change(path: &'static str, change: impl FnOnce(&mut Vec<u8>)) -> impl FnOnce(&Disk) {
    move |disk| {
        let mut bytes = disk.file(path).unwrap();
        change(&mut bytes);
        disk.set_file(path, Some(bytes));
    }
}

#[test]
fn damage_is_named_and_nothing_is_repaired() {
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1);
    let without = |path: &'static str| move |disk: &Disk| disk.set_file(path, None);
    let cases = [
        ("segment/000 is damaged at byte 0", opening_after(300, change("segment/000", |bytes| bytes[50] ^= 1))),
        ("the checkpoint covers 300 entries", opening_after(300, change("segment/000", cut))),
        ("the checkpoint covers 300 entries, only 0", opening_after(300, without("segment/000"))),
        ("the checkpoint covers 4100 entries, only 4096", opening_after(4100, without("segment/001"))),
        ("trusted head is missing", opening_after(300, without(HEAD))),
        ("does not verify", opening_after(300, change(HEAD, |bytes| bytes[18] ^= 1))),
        ("does not verify", opening_after(300, change("checkpoint", |bytes| bytes[18] ^= 1))),
        ("malformed", opening_after(300, change(HEAD, Vec::clear))),
        ("malformed", opening_after(300, change("checkpoint", Vec::clear))),
    ];
    for (expected, found) in cases {
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn a_segment_behind_one_that_is_not_full_is_a_hole() {
    let found = opening_after(300, |disk| disk.set_file("segment/001", Some(vec![])));
    assert!(found.contains("the segment ends early, though segment/001 exists"), "{found}");
    let found = opening_after(300, |disk| disk.set_file("segment/x001/000", Some(vec![])));
    assert!(found.contains("segment/x001/000 exists"), "{found}");
}

#[test]
fn a_root_that_does_not_match_is_fatal() {
    let found = opening_after(300, change("tile/0/000", |bytes| bytes[9] ^= 1));
    assert_eq!(found, "opened", "the short cut holds the tile's hash; the verifier finds the tile");
    let found = opening_after(300, |disk| {
        disk.set_file("edge", None);
        change("tile/0/000", |bytes| bytes[9] ^= 1)(disk);
    });
    assert!(found.contains("the checkpoint signs root"), "{found}");
    let found = opening_after(300, |disk| {
        disk.set_file("edge", None);
        disk.set_file("tile/0/000", None);
    });
    assert!(found.contains("tile/0/000 is damaged"), "{found}");
}

#[test]
fn the_short_cut_is_only_that() {
    for edge in [None, Some(vec![]), Some(vec![1; 40]), Some([&300_u64.to_be_bytes()[..], &[9; 32]].concat())] {
        let disk = disk_with(300);
        disk.set_file("edge", edge);
        let (sequencer, _) = open(&disk).unwrap();
        sequencer.append(entry(300)).unwrap();
        sequencer.close().unwrap();
        assert_eq!(verify(&sequencer.log(), &verifier()).unwrap().size, 301);
    }
}

#[test]
fn a_crash_between_tiles_and_checkpoint_is_made_good() {
    let (old, new) = (disk_with(250), disk_with(4200));
    // Everything of the later ledger, with the earlier one's checkpoint.
    let disk = new.copy();
    for path in ["checkpoint", HEAD] {
        disk.set_file(path, old.file(path));
    }
    let (sequencer, recovered) = open(&disk).unwrap();
    assert_eq!((recovered.entries, recovered.reintegrated), (4200, 3950));
    assert_eq!(sequencer.log().root(4200).unwrap(), open(&new).unwrap().0.log().root(4200).unwrap());
    assert_eq!(verify(&sequencer.log(), &verifier()).unwrap().size, 4200);
}

#[test]
fn reading_goes_on_while_writing() {
    let disk = Disk::default();
    let (sequencer, _) = open(&disk).unwrap();
    let log = sequencer.log();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut read = 0;
            while read < 400 {
                let size = log.size();
                for (index, entry) in log.entries(read..size).map(Result::unwrap) {
                    assert_eq!(entry.principal.as_str(), format!("p{index}"));
                    read += 1;
                }
                // The checkpoint may have moved on meanwhile: tiles of its earlier width are served all the same.
                verify(&log, &verifier()).unwrap();
            }
        });
        for number in 0..400 {
            sequencer.append(entry(number)).unwrap();
            if number % 100 == 0 {
                sequencer.integrate_now().unwrap();
            }
        }
        reader.join().unwrap();
    });
}

#[test]
fn a_folder_is_read_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { checkpoint_every: Duration::from_secs(3600), ..Options::default() };
    let (sequencer, _) = Sequencer::open(folder.path(), &folder.path().join("head"), origin(), key(), options).unwrap();
    assert!(Log::open_read_only(&folder.path().join("none")).is_err());
    sequencer.append(entry(0)).unwrap();
    sequencer.integrate_now().unwrap();
    sequencer.append(entry(1)).unwrap();
    let log = Log::open_read_only(folder.path()).unwrap();
    assert_eq!((log.size(), log.integrated()), (2, 1));
    assert_eq!(log.entries(1..2).next().unwrap().unwrap(), (EntryIndex(1), entry(1)));
}
