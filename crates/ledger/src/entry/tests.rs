use proptest::prelude::*;

use super::*;
use crate::fixture::{entry, reason};

fn full() -> Entry {
    let mut full = entry(0).with_withheld(["b-2.whl", "a-1.whl", "b-2.whl"]).with_detail("owner", "ann");
    full.principal = Principal::new("ci");
    full.resource.purl = Some("pkg:pypi/litellm@1.82.8".parse().unwrap());
    full.resource.digest = Some(Sha256::from_bytes([0xab; 32]));
    full.effect = Effect::Hold;
    full.reasons = vec![reason("cooldown", "is 3 hours old\n")];
    full.context = Context {
        run: Some("01936b7c-7e57-7000-8000-000000000001".parse().unwrap()),
        purpose: Some("train".to_owned()),
        client: Some("pip/26".to_owned()),
        address: Some("192.0.2.7".to_owned()),
    };
    full
}

#[test]
fn an_entry_is_written_in_one_way() {
    let expected = concat!(
        r#"{"action":"fetch","context":{"address":"192.0.2.7","client":"pip/26","purpose":"train"},"#,
        r#""detail":{"owner":"ann"},"effect":"hold","gate":"intake","#,
        r#""policy":"0707070707070707070707070707070707070707070707070707070707070707","principal":"ci","#,
        r#""reasons":[{"audit":true,"effect":"hold","excepted_by":"e1","help":"use 1.0 \"instead\"","#,
        r#""rule":"cooldown","text":"is 3 hours old\n"}],"#,
        r#""resource":{"digest":"abababababababababababababababababababababababababababababababab","#,
        r#""file":"f-0.whl","purl":"pkg:pypi/litellm@1.82.8"},"run":"01936b7c-7e57-7000-8000-000000000001","#,
        r#""seq":41,"time":"2026-03-20T09:46:40.000Z","v":1,"#,
        r#""withheld":{"count":2,"digest":"f6e2b9a2","first":["a-1.whl","b-2.whl"]}}"#
    );
    let digest = sha256(&[b"a-1.whl\nb-2.whl\n"]).to_string();
    let bytes = full().encode(EntryIndex(41)).unwrap();
    assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected.replace("f6e2b9a2", &digest));
    assert_eq!(Entry::decode(&bytes).unwrap(), (EntryIndex(41), full()));
}

#[test]
fn what_is_empty_is_absent() {
    let mut bare = entry(0);
    bare.resource = Resource::default();
    let text = String::from_utf8(bare.encode(EntryIndex(0)).unwrap()).unwrap();
    for word in ["context", "detail", "reasons", "resource", "run", "withheld", "null"] {
        assert!(!text.contains(word), "{text}");
    }
    assert_eq!(bare.clone().with_withheld([""; 0]).with_detail("owner", ""), bare);
}

#[test]
fn bytes_that_only_mean_the_same_are_refused() {
    let good = String::from_utf8(full().encode(EntryIndex(41)).unwrap()).unwrap();
    assert!(Entry::decode(good.as_bytes()).is_ok());
    let cases = [
        ("white space", good.replace("\"seq\":41", "\"seq\": 41")),
        ("a newline after it", format!("{good}\n")),
        ("another order", good.replace("\"seq\":41,", "").replace("\"v\":1", "\"v\":1,\"seq\":41")),
        ("null", good.replace("{\"action\"", "{\"withheld\":null,\"action\"")),
        ("an escape that is not needed", good.replace("\"ann\"", "\"\\u0061nn\"")),
        ("a float", good.replace("\"seq\":41", "\"seq\":41.0")),
        ("an exponent", good.replace("\"seq\":41", "\"seq\":41e0")),
        ("a leading zero", good.replace("\"seq\":41", "\"seq\":041")),
        ("a minus", good.replace("\"seq\":41", "\"seq\":-0")),
        ("capitals in a digest", good.replace("ababab", "ABABAB")),
        ("capitals in a run", good.replace("7e57", "7E57")),
        ("a bare run", good.replace("01936b7c-7e57-7000-8000-000000000001", "01936b7c7e5770008000000000000001")),
        ("another purl spelling", good.replace("pkg:pypi/litellm", "pkg:pypi/LiteLLM")),
        ("purl qualifiers", good.replace("@1.82.8", "@1.82.8?a=b")),
        ("audit spelt out", good.replace("\"audit\":true", "\"audit\":false")),
        ("a member twice", good.replace("\"v\":1", "\"v\":1,\"v\":1")),
        ("an unknown member", good.replace("\"v\":1", "\"v\":1,\"w\":1")),
        ("another version", good.replace("\"v\":1", "\"v\":2")),
        ("no version", good.replace("\"v\":1,", "")),
        ("a time with an offset", good.replace(".000Z", ".000+00:00")),
        ("a time without milliseconds", good.replace(".000Z", "Z")),
        ("a day that is none", good.replace("2026-03-20", "2026-02-29")),
        ("an unknown action", good.replace("\"fetch\"", "\"steal\"")),
        ("a detail name that is none", good.replace("\"owner\"", "\"Owner\"")),
        ("an index that doubles lose", good.replace("\"seq\":41", "\"seq\":9007199254740992")),
        ("nothing", String::new()),
        ("a list", "[]".to_owned()),
        ("deep nesting", "[".repeat(60_000)),
        ("too long", format!("{good}{}", " ".repeat(MAX_ENTRY_BYTES))),
    ];
    for (what, text) in cases {
        assert_ne!(text, good, "{what} changes nothing");
        assert!(Entry::decode(text.as_bytes()).is_err(), "{what} was accepted");
    }
}

#[test]
fn long_texts_are_cut_the_same_way_always() {
    let mut long = full();
    long.reasons = (0..70).map(|number| reason(&format!("r{number}"), &"ü".repeat(700))).collect();
    long.context.purpose = Some("x".repeat(2000));
    let bytes = long.encode(EntryIndex(0)).unwrap();
    assert!(bytes.len() <= MAX_ENTRY_BYTES);
    let (_, cut) = Entry::decode(&bytes).unwrap();
    assert_eq!(cut.reasons.len(), 70);
    assert!(cut.reasons.iter().all(|reason| reason.text.ends_with("ü…") && reason.text.len() <= 256));
    assert_eq!(cut.encode(EntryIndex(0)).unwrap(), bytes);
}

#[test]
fn too_many_reasons_are_counted() {
    let mut long = full();
    long.reasons = (0..2000).map(|number| reason(&format!("r{number}"), "text")).collect();
    let (_, cut) = Entry::decode(&long.encode(EntryIndex(0)).unwrap()).unwrap();
    assert_eq!((cut.reasons.len(), cut.detail["reasons-left-out"].as_str()), (32, "1968"));
}

#[test]
fn names_are_never_cut() {
    let mut long = full();
    long.resource.file = Some("x".repeat(MAX_ENTRY_BYTES));
    assert!(matches!(long.encode(EntryIndex(0)), Err(EntryError::TooLong(_))));
}

#[test]
fn withheld_names_are_summed_up() {
    let names: Vec<String> = (0..50).map(|number| format!("v{number:02}")).collect();
    let withheld = Withheld::of(names.iter().rev()).unwrap();
    assert_eq!((withheld.count, withheld.first.len(), withheld.first[19].as_str()), (50, 20, "v19"));
    assert_eq!(Withheld::of(&names).unwrap(), withheld);
    assert_ne!(Withheld::of(&names[1..]).unwrap().digest, withheld.digest);
}

#[test]
fn times_are_read_and_written() {
    let cases = [
        ("1970-01-01T00:00:00.000Z", 0),
        ("2000-02-29T12:00:00.001Z", 951_825_600_001),
        ("2026-11-22T23:59:59.999Z", 1_795_391_999_999),
        ("2100-03-01T00:00:00.000Z", 4_107_542_400_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ];
    for (text, millis) in cases {
        let time: EntryTime = text.parse().unwrap();
        assert_eq!((time.unix_millis(), time.to_string().as_str()), (millis, text));
    }
    assert!(EntryTime::from_unix_millis(253_402_300_800_000).is_err());
    let wrong = [
        "",
        "1969-12-31T23:59:59.999Z",
        "2026-00-01T00:00:00.000Z",
        "2026-13-01T00:00:00.000Z",
        "2100-02-29T00:00:00.000Z",
        "2026-01-01T24:00:00.000Z",
        "2026-01-01T00:60:00.000Z",
        "2026-01-01T00:00:60.000Z",
        "2026-01-01t00:00:00.000z",
        "2026-01-01 00:00:00.000Z",
        "2026-01-01T00:00:00.0000Z",
    ];
    for text in wrong {
        assert!(text.parse::<EntryTime>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn every_entry_survives_its_bytes(
        principal in any::<String>(), file in proptest::option::of(any::<String>()), version in "\\PC{1,12}",
        text in any::<String>(), purpose in proptest::option::of(any::<String>()), value in any::<String>(),
        millis in 0_u64..253_402_300_800_000, seq in 0_u64..(1 << 53), names in proptest::collection::vec("\\PC{0,300}", 0..30),
    ) {
        let mut any = full().with_detail("x", value).with_withheld(names);
        any.principal = Principal::new(principal);
        any.resource.file = file;
        any.resource.purl = any.resource.purl.map(|purl| purl.at(version));
        any.reasons[0].text = text;
        any.context.purpose = purpose;
        any.time = EntryTime::from_unix_millis(millis).unwrap();
        let bytes = any.encode(EntryIndex(seq)).unwrap();
        prop_assert_eq!(Entry::decode(&bytes), Ok((EntryIndex(seq), any)));
    }

    #[test]
    fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in any::<usize>(), byte in any::<u8>()) {
        let _any = Entry::decode(&bytes);
        let mut changed = full().encode(EntryIndex(7)).unwrap();
        let at = at % changed.len();
        changed[at] = byte;
        // Whatever still decodes is the only spelling of what it says.
        if let Ok((seq, entry)) = Entry::decode(&changed) {
            prop_assert_eq!(entry.encode(seq).unwrap(), changed);
        }
    }
}
