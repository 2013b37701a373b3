use proptest::prelude::*;

use super::*;

fn frames() -> (Vec<u8>, Vec<usize>) {
    let batches: [&[&[u8]]; 3] = [&[b"{one}", b"{two}"], &[b"{three}"], &[b"{four}", b"{five}", b"{six}"]];
    let (mut bytes, mut ends, mut first) = (Vec::new(), Vec::new(), 0);
    for batch in batches {
        let entries: Vec<Vec<u8>> = batch.iter().map(|entry| entry.to_vec()).collect();
        bytes.extend(encode_frame(first, &entries).unwrap());
        ends.push(bytes.len());
        first += entries.len() as u64;
    }
    (bytes, ends)
}

#[test]
fn whole_frames_give_their_entries() {
    let (bytes, _) = frames();
    let segment = Segment::parse(0, bytes.clone()).unwrap();
    assert_eq!((segment.end(), segment.torn(), segment.whole()), (6, 0, bytes.as_slice()));
    assert_eq!(segment.entry(3), Some(&b"{four}"[..]));
    assert_eq!(segment.entry(6), None);
}

#[test]
fn a_tail_torn_at_any_byte_is_not_data() {
    let (bytes, ends) = frames();
    for length in ends[1]..bytes.len() {
        let segment = Segment::parse(0, bytes[..length].to_vec()).unwrap();
        assert_eq!((segment.end(), segment.torn()), (3, length - ends[1]), "cut to {length}");
        // The length was durable before the content was.
        let mut zeroes = bytes[..length].to_vec();
        zeroes.resize(bytes.len(), 0);
        let zeroed = Segment::parse(0, zeroes).unwrap();
        assert_eq!(zeroed.end(), 3, "zeroes from {length}");
        // Only the end of it reached the disk.
        let mut hole = bytes.clone();
        hole[ends[1]..=length].fill(0);
        assert_eq!(Segment::parse(0, hole).unwrap().end(), 3, "zeroes to {length}");
    }
}

#[test]
fn any_damage_with_a_frame_behind_it_is_fatal() {
    let (bytes, ends) = frames();
    for at in 0..ends[1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let error = Segment::parse(0, damaged).unwrap_err();
        let frame = if at < ends[0] { 0 } else { ends[0] };
        assert!(matches!(error, LedgerError::Corrupt { offset, .. } if offset == frame as u64), "byte {at}: {error}");
    }
}

#[test]
fn a_frame_out_of_place_is_fatal() {
    let (bytes, ends) = frames();
    let error = Segment::parse(0, bytes[ends[0]..].to_vec()).unwrap_err();
    assert!(error.to_string().contains("starts at entry 2, entry 0 was expected"), "{error}");
    assert!(Segment::parse(1, bytes).is_err());
}

proptest! {
    #[test]
    fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..120), magic in any::<bool>()) {
        let bytes = if magic { [&MAGIC[..], &bytes].concat() } else { bytes };
        if let Ok(segment) = Segment::parse(0, bytes) {
            prop_assert_eq!(segment.end(), 0);
        }
    }
}
