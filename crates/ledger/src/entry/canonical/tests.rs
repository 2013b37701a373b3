use std::fs;
use std::path::Path;

use bulkhead_core::{Context, EntryIndex, Principal, Resource, Sha256};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::entry::{Entry, EntryError};
use crate::fixture::{entry, reason};
use crate::fuzz;

/// Every action, gate and effect is known to the walk because serde knows it; nothing is listed twice.
#[test]
fn every_word_is_walked_over() {
    for action in ["list", "fetch", "policy-load", "subject-erase", "alarm"] {
        for (gate, effect) in [("intake", "allow"), ("control", "transform"), ("vault", "hold"), ("egress", "deny")] {
            let text = String::from_utf8(entry(0).encode(EntryIndex(0)).unwrap()).unwrap();
            let text =
                text.replace("\"fetch\"", &format!("\"{action}\"")).replace("\"intake\"", &format!("\"{gate}\""));
            let text = text.replace("\"allow\"", &format!("\"{effect}\""));
            assert_eq!(index(text.as_bytes()), Some(0), "{text}");
            fuzz::entry(text.as_bytes());
        }
    }
}

#[test]
fn each_escape_has_one_spelling() {
    let good = String::from_utf8(entry(0).encode(EntryIndex(0)).unwrap()).unwrap();
    let with = |text: &str| good.replace("\"principal\":\"p0\"", &format!("\"principal\":\"{text}\""));
    // What stands for each character below 0x20, `"`, `\` and a few above, as decode has it.
    for code in (0..=0x9f).chain([0x2028, 0xfeff, 0xffff, 0x1_f600]) {
        let Some(char) = char::from_u32(code) else { continue };
        let raw = with(&char.to_string());
        let short = ["b", "f", "n", "r", "t", "\"", "\\", "/"].map(|letter| with(&format!("\\{letter}")));
        let long =
            [format!("\\u{code:04x}"), format!("\\u{code:04X}"), format!("\\U{code:04x}")].map(|text| with(&text));
        let mut accepted = 0;
        for text in short.into_iter().chain(long).chain([raw]) {
            fuzz::entry(text.as_bytes());
            accepted += usize::from(index(text.as_bytes()).is_some());
        }
        assert!(accepted > 0, "{code:04x} cannot be written");
    }
    for text in ["\\", "\\u", "\\u0", "\\u001", "\\u001g", "\\ud83d\\ude00", "\\ud83d", "\\x41", "a\\"] {
        assert_eq!(index(with(text).as_bytes()), None, "{text}");
        fuzz::entry(with(text).as_bytes());
    }
}

#[test]
fn check_says_what_decode_says() {
    let good = entry(7).encode(EntryIndex(7)).unwrap();
    assert_eq!(Entry::check(&good), Ok(EntryIndex(7)));
    let spaced = String::from_utf8(good.clone()).unwrap().replace("\"seq\":7", "\"seq\": 7");
    assert!(matches!(Entry::check(spaced.as_bytes()), Err(EntryError::NotCanonical(_))), "{spaced}");
    let later = String::from_utf8(good).unwrap().replace("\"v\":1", "\"v\":2");
    assert_eq!(Entry::check(later.as_bytes()), Err(EntryError::Version(2)));
    let long = vec![b' '; MAX_ENTRY_BYTES + 1];
    assert_eq!(Entry::check(&long), Err(EntryError::TooLong(MAX_ENTRY_BYTES + 1)));
}

#[test]
fn the_corpus_of_the_fuzz_target_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/entry");
    let (mut good, mut bad) = (0, 0);
    for file in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        fuzz::entry(&bytes);
        *(if index(&bytes).is_some() { &mut good } else { &mut bad }) += 1;
    }
    assert!(good >= 3 && bad >= 3, "{good} canonical seeds, {bad} others");
}

/// What changes the meaning, the spelling, or both, at a place where it might still be JSON.
const PIECES: [&str; 46] = [
    "",
    " ",
    "\n",
    ",",
    "\"",
    "{}",
    "[]",
    "null",
    "0",
    "00",
    "1.0",
    "1e0",
    "-0",
    "9",
    "99999999999",
    "\\",
    "\\u0061",
    "\\u001f",
    "\\u001F",
    "\\u000a",
    "\\n",
    "\\/",
    "\u{7f}",
    "\u{1}",
    "\u{2028}",
    "é",
    "A",
    "f",
    "-",
    "%2B",
    "%2b",
    "@",
    "/",
    ":",
    "~",
    "\"audit\":true,",
    "\"audit\":false,",
    "\"help\":\"\",",
    "\"detail\":{},",
    "\"reasons\":[],",
    "\"run\":null,",
    "\"v\":1,",
    ",\"a\":\"\"",
    ",\"first\":[]",
    "\"\"",
    "pkg:npm/",
];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9.]{0,12}", any::<String>(), "[\u{0}-\u{7f}]{0,40}"]
}

fn any_purl() -> impl Strategy<Value = String> {
    prop_oneof![
        "pkg:(pypi|npm|cargo|huggingface)/[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(@[a-z0-9.]{1,8})?",
        "pkg:(npm/%40acme/|huggingface/org/)[A-Za-z0-9._-]{1,8}(@[!-~]{1,8})?",
    ]
}

prop_compose! {
    fn any_entry()(
        texts in proptest::collection::vec(any_text(), 8), some in any::<u16>(), purl in any_purl(),
        names in proptest::collection::vec("[a-z0-9._-]{1,9}", 0..4), withheld in proptest::collection::vec(any_text(), 0..4),
        reasons in 0_usize..3, millis in 0_u64..253_402_300_800_000, run in any::<u128>(),
    ) -> Entry {
        let text = |at: usize| texts[at].clone();
        let maybe = |bit: u16, at: usize| (some >> bit & 1 == 1).then(|| text(at));
        let mut any = entry(0).with_withheld(withheld);
        any.principal = Principal::new(text(0));
        any.time = crate::entry::EntryTime::from_unix_millis(millis).unwrap();
        any.resource = Resource {
            purl: maybe(0, 0).and_then(|_| purl.parse().ok()),
            file: maybe(1, 1),
            digest: maybe(2, 0).map(|_| Sha256::from_bytes([some as u8; 32])),
            host: maybe(3, 2),
        };
        let digits = format!("{run:032x}");
        let id = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-");
        any.context = Context { run: maybe(4, 0).map(|_| id.parse().unwrap()), purpose: maybe(5, 3), client: maybe(6, 4), address: maybe(7, 5) };
        any.detail = names.into_iter().zip(texts.iter().cloned()).collect();
        any.reasons = (0..reasons).map(|_| {
            let mut reason = reason(&text(6), &text(7));
            reason.audit = some >> 8 & 1 == 1;
            reason.excepted_by = maybe(9, 1);
            reason.help = maybe(10, 2).unwrap_or_default();
            reason
        }).collect();
        any
    }
}

proptest! {
    #[test]
    fn what_encode_writes_is_accepted(any in any_entry(), seq in 0_u64..(1 << 53)) {
        let bytes = any.encode(EntryIndex(seq)).unwrap();
        prop_assert_eq!(index(&bytes), Some(seq), "{}", String::from_utf8_lossy(&bytes));
        fuzz::entry(&bytes);
    }

    /// The property that everything rests on: what the walk accepts is what is decoded and written to the same bytes.
    #[test]
    fn changed_bytes_are_accepted_exactly_when_they_are_written_the_same(
        any in any_entry(), seq in prop_oneof![0_u64..300, 0_u64..(1 << 53)],
        changes in proptest::collection::vec((any::<Index>(), 0_usize..12, any::<Index>(), any::<bool>(), any::<u8>()), 24),
    ) {
        let good = any.encode(EntryIndex(seq)).unwrap();
        let ends: Vec<usize> = (0..good.len()).filter(|at| b",:{}[]\"".contains(&good[*at])).collect();
        for (at, length, piece, structural, byte) in changes {
            let at = if structural { ends[at.index(ends.len())] } else { at.index(good.len()) };
            let piece = piece.get(&PIECES).as_bytes();
            let end = (at + length).min(good.len());
            // A piece instead of some bytes, a byte instead of one, bytes taken out, bytes twice.
            fuzz::entry(&[&good[..at], piece, &good[end..]].concat());
            fuzz::entry(&[&good[..at], piece, &good[at..]].concat());
            fuzz::entry(&[&good[..at], &[byte], &good[at + 1..]].concat());
            fuzz::entry(&[&good[..end], &good[at..]].concat());
            fuzz::entry(&good[..at]);
        }
    }

    #[test]
    fn members_in_another_order_are_refused(any in any_entry(), one in any::<Index>(), two in any::<Index>()) {
        let good = any.encode(EntryIndex(3)).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&good).unwrap();
        let mut members: Vec<String> = value.as_object().unwrap().iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let (one, two) = (one.index(members.len()), two.index(members.len()));
        members.swap(one, two);
        let swapped = format!("{{{}}}", members.join(","));
        fuzz::entry(swapped.as_bytes());
        prop_assert_eq!(index(swapped.as_bytes()).is_some(), one == two);
    }

    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in any::<String>()) {
        fuzz::entry(&bytes);
        fuzz::entry(text.as_bytes());
    }
}
