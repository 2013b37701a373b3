use super::*;
use crate::backend::faulty::Disk;
use crate::fixture::{answered, entry, open_on, verifier};
use crate::sequencer::Options;

#[test]
fn seventy_thousand_entries_are_the_files_of_the_specification() {
    let count = |kind: fn(&TilePath) -> bool| resources(70_000).filter(kind).count();
    let of = |level: u8, full: bool| {
        resources(70_000)
            .filter(|path| path.kind == crate::tile::TileKind::Hashes(level) && path.is_full() == full)
            .map(|path| (path.index, path.width))
            .collect::<Vec<_>>()
    };
    assert_eq!((of(0, true).len(), of(0, false)), (273, vec![(273, 112)]));
    assert_eq!((of(1, true).len(), of(1, false)), (1, vec![(1, 17)]));
    assert_eq!((of(2, true).len(), of(2, false)), (0, vec![(0, 1)]));
    assert_eq!(count(|path| matches!(path.kind, crate::tile::TileKind::Hashes(3..))), 0);
    assert_eq!(count(|path| path.kind == crate::tile::TileKind::Entries), 274);
    // "A tree of size 256 will be represented by a full level 0 tile and a partial level 1 tile of width 1."
    let paths: Vec<String> = resources(256).map(|path| path.to_string()).collect();
    assert_eq!(paths, ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
    assert_eq!(resources(0).count(), 0);
}

#[test]
fn a_mirror_is_filled_brought_up_to_date_and_never_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let (sequencer, _) = open_on(&disk, Options::default()).unwrap();
    (0..300).for_each(|number| sequencer.submit(entry(number), answered()));
    sequencer.close().unwrap();
    let short = disk.copy();
    assert_eq!(mirror(&sequencer.log(), folder.path(), &verifier()).unwrap().size, 300);
    assert_eq!(fs::read_dir(folder.path().join("tile/0")).unwrap().count(), 2);

    let (longer, _) = open_on(&disk, Options::default()).unwrap();
    (300..600).for_each(|number| longer.submit(entry(number), answered()));
    longer.close().unwrap();
    assert_eq!(mirror(&longer.log(), folder.path(), &verifier()).unwrap().size, 600);
    let (back, _) = open_on(&short, Options::default()).unwrap();
    let refused = mirror(&back.log(), folder.path(), &verifier()).unwrap_err().to_string();
    assert!(refused.contains("the log shows 300 entries, the mirror has 600"), "{refused}");

    // A resource that the mirror has already and that is not what the log signs: the checkpoint is not touched.
    let before = fs::read(folder.path().join("checkpoint")).unwrap();
    let (again, _) = open_on(&disk, Options::default()).unwrap();
    (600..700).for_each(|number| again.submit(entry(number), answered()));
    again.close().unwrap();
    let path = folder.path().join("tile/entries/000");
    let mut bytes = fs::read(&path).unwrap();
    bytes[40] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(mirror(&again.log(), folder.path(), &verifier()).is_err());
    assert_eq!(fs::read(folder.path().join("checkpoint")).unwrap(), before);
}
