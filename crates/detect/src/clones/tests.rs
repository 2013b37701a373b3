//! Shingles, sketches and the index, on text made here.

use proptest::prelude::*;

use super::*;
use crate::likeness;

fn all(text: &str) -> Vec<u32> {
    let mut hashes = Vec::new();
    each(text.as_bytes(), |hash| hashes.push(hash));
    hashes
}

fn sketch(text: &str) -> Sketch {
    let none = Index::default();
    let mut shingles = Shingles::new(&none);
    shingles.add(text.as_bytes());
    shingles.sketch()
}

/// Words that differ from each other, `from` the first.
fn words(from: usize, count: usize) -> String {
    (from..from + count).map(|n| format!("word{n} ")).collect()
}

#[test]
fn white_space_does_not_count_and_every_word_does() {
    assert_eq!(all("import os; os.system('x')"), all("import  os ;\n\tos . system ( 'x' )"));
    assert_ne!(all("import os; os.system('x')"), all("import os; os.system('y')"));
    assert!(all("a b c d").is_empty());
    assert_eq!(all("a b c d e").len(), 1);
    assert_eq!(all("").len() + all("   \n\0").len(), 0);
    // No end of a word is lost, wherever it is.
    assert_ne!(all("a b c d ee"), all("a b c d e"));
    assert_ne!(all("a b c d e"), all("e d c b a"));
}

#[test]
fn likeness_is_the_share_of_common_shingles() {
    let (one, same, other) = (sketch(&words(0, 400)), sketch(&words(0, 400)), sketch(&words(1_000, 400)));
    assert_eq!(one.likeness(&same), 100);
    assert_eq!(one.likeness(&other), 0);
    // 3000 words, of which the second has 2250 and 750 others: 60 % of the union.
    let (half, shifted) = (sketch(&words(0, 3_000)), sketch(&words(750, 3_000)));
    assert!((52..=68).contains(&half.likeness(&shifted)), "{}", half.likeness(&shifted));
    assert_eq!(half.likeness(&shifted), shifted.likeness(&half));
    // A small text is compared whole, also with a large one.
    let (small, part) = (sketch(&words(0, 54)), sketch(&words(0, 104)));
    assert_eq!(small.likeness(&part), 50);
    assert!(sketch(&words(0, 54)).likeness(&sketch(&words(0, 5_000))) < 5);
    assert_eq!(sketch("").likeness(&sketch("")), 0, "nothing is like nothing");
}

#[test]
fn a_sketch_keeps_the_lowest_and_says_when_it_is_none() {
    let text = words(0, 20_000);
    let mut lowest = all(&text);
    lowest.sort_unstable();
    lowest.dedup();
    lowest.truncate(SKETCH);
    let made = sketch(&text);
    assert_eq!(made.hashes(), lowest);
    assert!(made.is_sound());
    for broken in [vec![2, 1], vec![1, 1], (0..=SKETCH as u32).collect()] {
        assert!(!Sketch(broken).is_sound());
    }
}

fn index_of(texts: &[&str]) -> Index {
    let mut shingles: Vec<Vec<u32>> = texts.iter().map(|text| all(text)).collect();
    shingles.iter_mut().for_each(|hashes| hashes.sort_unstable());
    Index::new(shingles.iter().map(|hashes| (7, hashes.as_slice())))
}

fn campaign(index: &Index, text: &str) -> Option<Campaign> {
    let mut shingles = Shingles::new(index);
    shingles.add(text.as_bytes());
    shingles.campaign()
}

#[test]
fn a_campaign_is_known_again_in_a_larger_text_and_when_parts_of_it_changed() {
    let index = index_of(&[&words(0, 60), &words(500, 60)]);
    let found =
        campaign(&index, &(words(9_000, 3_000) + &words(500, 60) + &words(20_000, 99))).expect("it is in there");
    assert_eq!(found, Campaign { number: 1, archives: 7, share: 100 });
    let changed = words(500, 25) + "another address " + &words(527, 33);
    assert!(campaign(&index, &changed).is_some_and(|found| found.number == 1 && found.share < 100));
    assert_eq!(campaign(&index, &words(500, 30)), None, "half of it is too little");
    assert_eq!(campaign(&index, &words(9_000, 4_000)), None);
}

#[test]
fn a_few_common_lines_are_no_campaign() {
    let lines = words(0, FEWEST + TOKENS - 2);
    assert_eq!(campaign(&index_of(&[&lines]), &lines), None);
    let more = words(0, FEWEST + TOKENS - 1);
    assert!(campaign(&index_of(&[&more]), &more).is_some());
}

#[test]
fn an_index_survives_its_file_and_nothing_else_is_one() {
    let index = index_of(&[&words(0, 60), &words(40, 90)]);
    let bytes = index.to_bytes();
    assert_eq!(Index::parse(&bytes), Some(index));
    assert_eq!(Index::parse(&bytes[..bytes.len() - 1]), None);
    assert_eq!(Index::parse(&[&bytes[..], &[0; 4]].concat()), None);
    assert_eq!(Index::parse(b"bulkhead clones 2\n\0\0"), None);
    assert_eq!(Index::parse(b""), None);
}

#[test]
fn the_shipped_index_is_one_and_small() {
    let bytes = include_bytes!("../../data/clones.bin");
    let index = Index::parse(bytes).expect("an index");
    assert_eq!(&index, likeness::known());
    assert!(!index.is_empty());
    assert!(bytes.len() <= 300_000, "{} bytes", bytes.len());
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in proptest::collection::vec(any::<u8>(), 0..4_000)) {
        let index = index_of(&[&words(0, 60)]);
        let mut shingles = Shingles::new(&index);
        shingles.add(&text);
        prop_assert_eq!(shingles.campaign(), None);
        prop_assert!(shingles.sketch().is_sound());
    }

    #[test]
    fn no_file_breaks_the_index(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let file = [MAGIC, &bytes].concat();
        if let Some(index) = Index::parse(&file) {
            prop_assert_eq!(Index::parse(&index.to_bytes()), Some(index));
        }
    }
}
