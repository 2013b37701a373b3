use std::collections::BTreeMap;

use std::fs;

use super::*;
use crate::backend::faulty::Disk;
use crate::checkpoint::Checkpoint;
use crate::fixture::{answered, entry, key, open_on, origin, verifier};
use crate::merkle::leaf_hash;
use crate::sequencer::{Options, Sequencer};
use crate::tile::push_entry;

/// A mirror in memory.
#[derive(Clone)]
struct Resources(BTreeMap<String, Vec<u8>>);

impl Source for Resources {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.get(path).cloned())
    }
}

const PATHS: [&str; 7] = [
    "checkpoint",
    "tile/entries/000",
    "tile/entries/001.p/44",
    "tile/0/000",
    "tile/0/001.p/44",
    "tile/1/000.p/1",
    "none",
];

fn resources() -> Resources {
    let (sequencer, _) = open_on(&Disk::default(), Options::default()).unwrap();
    (0..300).for_each(|number| sequencer.submit(entry(number), answered()));
    sequencer.close().unwrap();
    let log = sequencer.log();
    let read = |path: &str| Some((path.to_owned(), log.resource(path).unwrap()?.bytes));
    Resources(PATHS.iter().filter_map(|path| read(path)).collect())
}

#[test]
fn a_whole_log_verifies_from_its_resources() {
    let report = verify(&resources(), &verifier()).unwrap();
    assert_eq!((report.origin, report.size, report.tiles, report.not_integrated), (origin(), 300, 3, 0));
    assert_eq!(report.key_fingerprint, verifier().fingerprint());
}

#[test]
fn any_byte_changed_in_any_resource_is_a_fault() {
    let good = resources();
    for (path, bytes) in &good.0 {
        // Every byte of the checkpoint, and a spread over the rest.
        let step = if path == "checkpoint" { 1 } else { bytes.len() / 12 };
        for at in (0..bytes.len()).step_by(step).chain([bytes.len() - 1]) {
            let mut changed = good.clone();
            changed.0.get_mut(path).unwrap()[at] ^= 0x04;
            assert!(verify(&changed, &verifier()).is_err(), "{path}, byte {at}");
        }
    }
}

#[test]
fn anything_missing_or_too_long_is_a_fault() {
    let good = resources();
    for path in good.0.keys() {
        let mut less = good.clone();
        less.0.remove(path);
        assert!(matches!(verify(&less, &verifier()), Err(Fault::Missing(missing)) if missing == *path));
        let mut more = good.clone();
        more.0.get_mut(path).unwrap().push(b'\n');
        assert!(verify(&more, &verifier()).is_err(), "{path}");
    }
}

#[test]
fn the_fault_names_what_is_wrong() {
    let says = |path: &str, bytes: Vec<u8>| {
        let mut changed = resources();
        changed.0.insert(path.to_owned(), bytes);
        verify(&changed, &verifier()).unwrap_err().to_string()
    };
    let tile = says("tile/1/000.p/1", vec![0; 32]);
    assert_eq!(tile, "tile/1/000.p/1 differs from the hashes of the entries at byte 0");
    let mut swapped = Vec::new();
    for index in [1, 0] {
        push_entry(&mut swapped, &entry(index).encode(bulkhead_core::EntryIndex(index)).unwrap()).unwrap();
    }
    let mut rest = resources().0["tile/entries/000"].clone();
    rest.drain(..swapped.len());
    let order = says("tile/entries/000", [swapped, rest].concat());
    assert_eq!(order, "entry 0 says that it is entry 1");
    let root = says("checkpoint", {
        let other = Checkpoint { origin: origin(), size: 300, root: Sha256::from_bytes([0; 32]) };
        other.sign(&key()).unwrap()
    });
    assert!(root.contains("the checkpoint signs 0000"), "{root}");
    let other_key = crate::SigningKey::generate().unwrap().verifier(&origin());
    let unsigned = verify(&resources(), &other_key).unwrap_err().to_string();
    assert!(unsigned.contains("carries no signature by the key `ledger.test/main`"), "{unsigned}");
}

#[test]
fn a_ledger_folder_and_its_mirror_verify() {
    let folder = tempfile::tempdir().unwrap();
    let mirror = tempfile::tempdir().unwrap();
    for (path, bytes) in &resources().0 {
        let path = mirror.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(verify_folder(mirror.path(), &verifier()).unwrap().size, 300);

    let options = Options { checkpoint_every: std::time::Duration::from_secs(3600), ..Options::default() };
    let (sequencer, _) = Sequencer::open(folder.path(), &folder.path().join("head"), origin(), key(), options).unwrap();
    sequencer.append(entry(0)).unwrap();
    sequencer.integrate_now().unwrap();
    sequencer.append(entry(1)).unwrap();
    let report = verify_folder(folder.path(), &verifier()).unwrap();
    assert_eq!((report.size, report.not_integrated), (1, 1));
}

#[test]
fn an_empty_log_verifies() {
    let (sequencer, _) = open_on(&Disk::default(), Options::default()).unwrap();
    let report = verify(&sequencer.log(), &verifier()).unwrap();
    assert_eq!((report.size, report.tiles), (0, 0));
}

#[test]
fn tiles_and_bundles_in_another_order_are_a_fault() {
    let disk = Disk::default();
    let (sequencer, _) = open_on(&disk, Options::default()).unwrap();
    (0..600).for_each(|number| sequencer.submit(entry(number), answered()));
    sequencer.close().unwrap();
    let log = sequencer.log();
    let paths = crate::mirror::resources(600).map(|path| path.to_string()).chain(["checkpoint".to_owned()]);
    let good = Resources(paths.map(|path| (path.clone(), log.resource(&path).unwrap().unwrap().bytes)).collect());
    verify(&good, &verifier()).unwrap();
    for (one, two) in [("tile/0/000", "tile/0/001"), ("tile/entries/000", "tile/entries/001")] {
        let mut swapped = good.clone();
        let (first, second) = (good.0[one].clone(), good.0[two].clone());
        swapped.0.insert(one.to_owned(), second);
        swapped.0.insert(two.to_owned(), first);
        let fault = verify(&swapped, &verifier()).unwrap_err().to_string();
        assert!(fault.contains("tile/0/000") || fault.contains("entry 0 says that it is entry 256"), "{fault}");
    }
    for path in good.0.keys() {
        let mut cut = good.clone();
        cut.0.get_mut(path).unwrap().pop();
        assert!(verify(&cut, &verifier()).is_err(), "{path} cut short");
    }
}

#[test]
fn the_checkpoint_of_another_log_is_refused() {
    let good = resources();
    let note = |name: &str| {
        let signed = Checkpoint::verify(&good.0["checkpoint"], &verifier()).unwrap();
        Checkpoint { origin: name.parse().unwrap(), ..signed }.sign(&key()).unwrap()
    };
    let mut other = good.clone();
    // By the same key, in the name of another log: key id and origin differ.
    other.0.insert("checkpoint".to_owned(), note("elsewhere.test"));
    let fault = verify(&other, &verifier()).unwrap_err().to_string();
    assert!(fault.contains("no signature by the key `ledger.test/main`"), "{fault}");
    // The other log's text under this log's name and key.
    let text = String::from_utf8(note("elsewhere.test")).unwrap();
    let text = text.split("\n\n").next().unwrap().to_owned() + "\n";
    let signed = crate::note::Note::sign(&text, &origin(), &key()).unwrap().to_bytes();
    other.0.insert("checkpoint".to_owned(), signed);
    let fault = verify(&other, &verifier()).unwrap_err().to_string();
    assert!(fault.contains("is of the log `elsewhere.test`"), "{fault}");
}

/// The resources of a log with exactly these entries, signed and with all its hashes right, whatever the entries are.
fn made_of(entries: &[Vec<u8>]) -> Resources {
    let (mut made, mut edge) = (BTreeMap::new(), Edge::default());
    for (bundle, entries) in entries.chunks(256).enumerate() {
        let mut bytes = Vec::new();
        entries.iter().for_each(|entry| push_entry(&mut bytes, entry).unwrap());
        made.insert(TilePath::entries(bundle as u64, entries.len() as u16).to_string(), bytes);
        for tile in entries.iter().flat_map(|entry| edge.push(leaf_hash(entry))) {
            made.insert(TilePath::hashes(tile.level, tile.index, 256).to_string(), encode_hashes(&tile.hashes));
        }
    }
    let size = entries.len() as u64;
    for level in 0..edge.height() {
        let hashes = edge.partial(level);
        let index = crate::edge::count_at(size, level) / TILE_WIDTH;
        made.insert(TilePath::hashes(level, index, hashes.len() as u16).to_string(), encode_hashes(hashes));
    }
    let head = Checkpoint { origin: origin(), size, root: edge.root() };
    made.insert("checkpoint".to_owned(), head.sign(&key()).unwrap());
    Resources(made)
}

fn encoded(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|number| entry(number).encode(bulkhead_core::EntryIndex(number)).unwrap()).collect()
}

#[test]
fn an_entry_that_is_not_canonical_is_a_fault_though_every_hash_is_right() {
    let good = encoded(300);
    verify(&made_of(&good), &verifier()).unwrap();
    let text = String::from_utf8(good[270].clone()).unwrap();
    let cases = [
        text.replace("\"seq\":270", "\"seq\":270 "),
        text.replace("\"principal\":\"p", "\"principal\":\"\\u0070"),
        text.replace("\"v\":1", "\"run\":null,\"v\":1"),
        text.replace("\"v\":1", "\"v\":1,\"v\":1"),
        text.replace("\"v\":1", "\"v\":1,\"x\":1"),
        text.replace("0707", "070F"),
        text.replace("\"seq\":270", "\"seq\":2.7e2"),
        format!("{text}\n"),
        String::new(),
    ];
    for case in cases {
        assert_ne!(case, text);
        let mut entries = good.clone();
        entries[270] = case.clone().into_bytes();
        let fault = verify(&made_of(&entries), &verifier()).unwrap_err();
        assert!(matches!(fault, Fault::Entry { index: 270, .. }), "{case}: {fault}");
    }
}

#[test]
fn a_log_of_many_stretches_verifies_and_its_first_fault_is_told() {
    let size = 3 * 4096 + 300;
    let entries = encoded(size);
    let good = made_of(&entries);
    let report = verify(&good, &verifier()).unwrap();
    assert_eq!((report.size, report.tiles), (size, 49 + 1 + 1));
    // One fault in each stretch, and the later ones are found by other threads, perhaps sooner.
    for first in 0..3_u64 {
        let mut wrong = good.clone();
        for stretch in first..3 {
            let bundle = stretch * 16 + 15;
            let mut bytes = Vec::new();
            for index in bundle * 256..(bundle + 1) * 256 {
                push_entry(&mut bytes, &entries[(index + u64::from(index % 256 == 200)) as usize]).unwrap();
            }
            wrong.0.insert(TilePath::entries(bundle, 256).to_string(), bytes);
        }
        let index = (first * 16 + 15) * 256 + 200;
        let fault = verify(&wrong, &verifier()).unwrap_err();
        assert!(
            matches!(fault, Fault::EntryIndex { index: at, claimed } if at == index && claimed == index + 1),
            "{fault}"
        );
    }
    for (path, wanted) in [("tile/0/031", "tile/0/031"), ("tile/1/000.p/49", "tile/1/000.p/49")] {
        let mut wrong = good.clone();
        wrong.0.get_mut(path).unwrap()[40] ^= 1;
        let fault = verify(&wrong, &verifier()).unwrap_err().to_string();
        assert_eq!(fault, format!("{wanted} differs from the hashes of the entries at byte 40"));
        wrong.0.remove(path);
        assert!(matches!(verify(&wrong, &verifier()), Err(Fault::Missing(missing)) if missing == path));
    }
}

#[test]
fn a_folder_of_several_segments_verifies_while_it_grows() {
    let folder = tempfile::tempdir().unwrap();
    let (sequencer, _) =
        Sequencer::open(folder.path(), &folder.path().join("head"), origin(), key(), Options::default()).unwrap();
    (0..9000).for_each(|number| sequencer.submit(entry(number), answered()));
    sequencer.append(entry(9000)).unwrap();
    sequencer.integrate_now().unwrap();
    sequencer.append(entry(9001)).unwrap();
    let report = verify_folder(folder.path(), &verifier()).unwrap();
    assert!(report.size >= 9001 && report.size + report.not_integrated == 9002, "{report:?}");
    sequencer.close().unwrap();
    // A byte of an entry in the second segment: the frame's checksum says so, and the file.
    let path = folder.path().join("segment/001");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let fault = verify_folder(folder.path(), &verifier()).unwrap_err().to_string();
    assert!(fault.contains("segment/001"), "{fault}");
}
