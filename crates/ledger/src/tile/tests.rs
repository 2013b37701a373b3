use proptest::prelude::*;

use super::*;

#[test]
fn paths_are_those_of_the_specification() {
    let cases = [
        ("tile/0/x001/x234/067", TilePath::hashes(0, 1_234_067, 256)),
        ("tile/0/000", TilePath::hashes(0, 0, 256)),
        ("tile/63/999.p/1", TilePath::hashes(63, 999, 1)),
        ("tile/entries/273.p/112", TilePath::entries(273, 112)),
        ("tile/entries/x001/000", TilePath::entries(1000, 256)),
    ];
    for (text, path) in cases {
        assert_eq!(path.to_string(), text);
        assert_eq!(text.parse::<TilePath>(), Ok(path));
    }
}

#[test]
fn other_spellings_are_refused() {
    let cases = [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/64/000",
        "tile/00/000",
        "tile/-1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/x002",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1/2",
        "tile/0/000.p/1.p/1",
        "/tile/0/000",
        "tile/0/../000",
        "tile/entries/00a",
        "tile/Entries/000",
        "tile/0/000/",
        "tile/0//000",
        "tile/0/x\u{661}23/000",
        "tile/0/+01",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/entries/%30%30%30",
    ];
    for text in cases {
        assert!(text.parse::<TilePath>().is_err(), "{text}");
    }
}

#[test]
fn a_bundle_gives_its_entries_back() {
    let mut bundle = Vec::new();
    for entry in [&b"one"[..], b"", &[0xff; 65_535]] {
        push_entry(&mut bundle, entry).unwrap();
    }
    assert_eq!(&bundle[..5], b"\x00\x03one");
    assert_eq!(decode_bundle(&bundle, 3).unwrap(), [&b"one"[..], b"", &[0xff; 65_535]]);
    assert!(decode_bundle(&bundle, 2).is_err());
    assert!(decode_bundle(&bundle, 4).is_err());
    assert!(decode_bundle(&bundle[..bundle.len() - 1], 3).is_err());
    assert!(push_entry(&mut bundle, &[0; 65_536]).is_err());
}

#[test]
fn a_tile_has_exactly_its_hashes() {
    let hashes = [Sha256::from_bytes([1; 32]), Sha256::from_bytes([2; 32])];
    let bytes = encode_hashes(&hashes);
    assert_eq!(decode_hashes(&bytes, 2).unwrap(), hashes);
    assert!(decode_hashes(&bytes, 1).is_err());
    assert!(decode_hashes(&bytes[1..], 2).is_err());
}

proptest! {
    #[test]
    fn a_path_survives_its_text(level in 0_u8..64, index in any::<u64>(), width in 1_u16..=256) {
        for path in [TilePath::hashes(level, index, width), TilePath::entries(index, width)] {
            prop_assert_eq!(path.to_string().parse::<TilePath>(), Ok(path));
        }
    }

    #[test]
    fn parsing_never_panics(text in "(tile/)?[0-9x./pe]{0,30}|\\PC{0,40}", bytes in proptest::collection::vec(any::<u8>(), 0..64), width in 0_u16..4) {
        if let Ok(path) = text.parse::<TilePath>() {
            prop_assert_eq!(path.to_string(), text);
        }
        let _any = decode_bundle(&bytes, width);
        let _any = decode_hashes(&bytes, width);
    }
}
