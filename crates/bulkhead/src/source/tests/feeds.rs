//! Importing: every shape of feed, whole or not at all.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::source::feed::{Imported, Options, import};
use crate::source::seed;
use crate::store::{FeedRefused, FeedSummary, ImportError, SqliteStore, Store};

const RECORDS: usize = 5_000;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

/// Records of several kinds, as a feed mixes them.
fn record(nth: usize) -> String {
    let (id, name) = (format!("MAL-2026-{nth}"), format!("demo-{}", nth / 2));
    let affected = match nth % 4 {
        0 => format!(r#"{{"package":{{"ecosystem":"PyPI","name":"{name}"}},"versions":["1.{nth}","2.0"]}}"#),
        1 => format!(
            r#"{{"package":{{"ecosystem":"PyPI","name":"{name}"}},
                "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"3"}}]}}]}}"#
        ),
        2 => format!(
            r#"{{"package":{{"ecosystem":"npm","name":"@scope/{name}"}},
                "ranges":[{{"type":"SEMVER","events":[{{"introduced":"1.0.0"}},{{"last_affected":"1.2.0"}}]}}]}}"#
        ),
        _ => format!(r#"{{"package":{{"ecosystem":"PyPI","name":"{name}"}}}}"#),
    };
    let text = format!(r#"{{"id":"{id}","modified":"2026-11-0{}T00:00:00Z","affected":[{affected}]}}"#, nth % 9 + 1);
    text.replace('\n', " ")
}

fn records() -> Vec<String> {
    (0..RECORDS).map(record).collect()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("packs");
    encoder.finish().expect("packs")
}

fn recorded(_: &str, _: &FeedSummary) -> Result<(), FeedRefused> {
    Ok(())
}

fn run(path: &Path, skip_invalid: bool) -> (SqliteStore, Result<Imported, ImportError>) {
    let store = SqliteStore::in_memory().expect("opens");
    let options = Options { name: Some("test".to_owned()), skip_invalid };
    let imported = import(&store, path, &options, now(), &mut recorded);
    (store, imported)
}

#[track_caller]
fn check_whole(path: &Path) {
    let (store, imported) = run(path, false);
    let imported = imported.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let summary = &imported.feed.summary;
    assert_eq!((summary.records, summary.withdrawn, summary.elsewhere, summary.invalid), (RECORDS as u64, 0, 0, 0));
    assert_eq!(summary.newest, Some("2026-11-09T00:00:00Z".parse().expect("a time")));
    assert_eq!(imported.invalid, [""; 0]);
    assert_eq!(store.feeds().expect("answers"), [imported.feed]);
    for purl in ["pkg:pypi/demo-0", "pkg:pypi/demo-2499", "pkg:npm/%40scope/demo-1"] {
        assert!(!store.advisories_on(&purl.parse().expect("a purl")).expect("answers").is_empty(), "{purl}");
    }
}

#[test]
fn every_shape_of_feed_comes_in_whole() {
    let folder = TempDir::new().expect("a folder");
    let (records, root) = (records(), folder.path());
    let write = |name: &str, bytes: &[u8]| {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("makes");
        fs::write(&path, bytes).expect("writes");
        path
    };
    let lines = records.join("\n\n");
    let list = format!("\n[{}]", records.join(","));
    check_whole(&write("feed.jsonl", lines.as_bytes()));
    check_whole(&write("feed.ndjson.gz", &gz(lines.as_bytes())));
    check_whole(&write("feed.json", list.as_bytes()));
    check_whole(&write("FEED.JSON.GZ", &gz(list.as_bytes())));
    for (nth, record) in records.iter().enumerate() {
        write(&format!("folder/{}/{nth}.json", nth % 50), record.as_bytes());
    }
    write("folder/README.md", b"no record");
    write("folder/.git/config.json", b"no record either");
    check_whole(&root.join("folder"));
    for (name, large) in [("all.zip", false), ("all64.zip", true)] {
        let members = records.iter().enumerate().map(|(nth, record)| (format!("{nth}.json"), record.as_bytes()));
        check_whole(&write(name, &zip(members, large)));
    }
}

#[test]
fn a_folder_has_the_same_digest_wherever_it_lies() {
    let digest = |reversed: bool| {
        let folder = TempDir::new().expect("a folder");
        let mut order: Vec<usize> = (0..20).collect();
        if reversed {
            order.reverse();
        }
        for nth in order {
            fs::write(folder.path().join(format!("{nth}.json")), record(nth)).expect("writes");
        }
        run(folder.path(), false).1.expect("imports").feed.summary.digest
    };
    assert_eq!(digest(false), digest(true));
}

#[test]
fn bad_records_are_named_and_nothing_is_taken() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("feed.jsonl");
    let mut lines: Vec<String> = records()[..40].to_vec();
    lines[7] = "{}".to_owned();
    lines.extend(std::iter::repeat_n("no record".to_owned(), 30));
    lines.push(r#"{"id":"MAL-9","modified":"2026-01-01T00:00:00Z","withdrawn":"2026-01-02T00:00:00Z"}"#.to_owned());
    fs::write(&path, lines.join("\n")).expect("writes");
    let (store, refused) = run(&path, false);
    let why = refused.expect_err("is refused").to_string();
    assert!(why.starts_with("31 records cannot be read:"), "{why}");
    assert!(why.contains("feed.jsonl:8: missing field `id`") && why.contains("and 11 more"), "{why}");
    assert!(store.feeds().expect("answers").is_empty());
    let (store, imported) = run(&path, true);
    let imported = imported.expect("the others come in");
    let summary = &imported.feed.summary;
    assert_eq!((summary.records, summary.invalid, summary.withdrawn, imported.invalid.len()), (39, 31, 1, 31));
    assert_eq!(store.feeds().expect("answers").len(), 1);
}

#[test]
fn what_is_no_feed_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let root = folder.path();
    let write = |name: &str, bytes: &[u8]| fs::write(root.join(name), bytes).expect("writes");
    let good = record(0);
    write("empty.jsonl", b"\n\n");
    write("empty.json", b"");
    write("list.json", b"[{}, ");
    write("foreign.json", br#"{"id":"D","modified":"2026-01-01T00:00:00Z"}"#);
    write("feed.txt", good.as_bytes());
    write("cut.jsonl.gz", &gz(good.repeat(50).as_bytes())[..60]);
    write("no.zip", b"PK\x03\x04 not really");
    let whole = zip([("1.json".to_owned(), good.as_bytes())].into_iter(), false);
    write("cut.zip", &whole[..whole.len() - 1]);
    let mut damaged = whole.clone();
    damaged[45] ^= 1;
    write("damaged.zip", &damaged);
    let mut renamed = whole;
    renamed[30] = b'2';
    write("renamed.zip", &renamed);
    fs::create_dir(root.join("linked")).expect("makes");
    std::os::unix::fs::symlink(root.join("foreign.json"), root.join("linked/a.json")).expect("links");
    for name in [
        "empty.jsonl",
        "empty.json",
        "list.json",
        "foreign.json",
        "feed.txt",
        "cut.jsonl.gz",
        "no.zip",
        "cut.zip",
        "damaged.zip",
        "renamed.zip",
        "linked",
        "absent.json",
    ] {
        for skip_invalid in [false, true] {
            let (store, refused) = run(&root.join(name), skip_invalid);
            assert!(matches!(refused, Err(ImportError::Refused(_))), "{name}: {refused:?}");
            assert!(store.feeds().expect("answers").is_empty(), "{name}");
        }
    }
}

#[test]
fn a_bomb_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("bomb.jsonl.gz");
    let mut encoder = GzEncoder::new(File::create(&path).expect("creates"), Compression::fast());
    for _ in 0..17 {
        encoder.write_all(&vec![b' '; 1 << 20]).expect("packs");
    }
    encoder.finish().expect("packs");
    let why = run(&path, true).1.expect_err("is refused").to_string();
    assert!(why.contains("longer than"), "{why}");
}

#[test]
fn names_are_taken_from_the_file_and_the_seed_is_not_replaced() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("osv-pypi.jsonl");
    fs::write(&path, record(0)).expect("writes");
    let store = SqliteStore::in_memory().expect("opens");
    let imported = import(&store, &path, &Options::default(), now(), &mut recorded).expect("imports");
    assert_eq!((&*imported.feed.name, imported.feed.imported_at), ("osv-pypi.jsonl", now()));
    for wrong in [seed::FEED, "", "a b", "../x"] {
        let options = Options { name: Some(wrong.to_owned()), skip_invalid: false };
        assert!(
            matches!(import(&store, &path, &options, now(), &mut recorded), Err(ImportError::Refused(_))),
            "{wrong}"
        );
    }
}

/// The entry comes before the effect: a feed that cannot be recorded does not count.
#[test]
fn a_feed_is_recorded_before_it_counts_and_not_taken_in_without() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("osv.jsonl");
    fs::write(&path, record(0)).expect("writes");
    let store = SqliteStore::in_memory().expect("opens");
    let mut asked = Vec::new();
    let mut refuse = |name: &str, summary: &FeedSummary| {
        asked.push((name.to_owned(), summary.records, store.feeds().expect("answers").len()));
        Err(FeedRefused("the disk is full".to_owned()))
    };
    let refused = import(&store, &path, &Options::default(), now(), &mut refuse).expect_err("is refused");
    assert_eq!(refused.to_string(), "the disk is full");
    assert_eq!(asked, [("osv.jsonl".to_owned(), 1, 0)]);
    assert!(store.feeds().expect("answers").is_empty());
    let imported = import(&store, &path, &Options::default(), now(), &mut recorded).expect("imports");
    assert_eq!(imported.feed.summary.records, 1);
}

#[test]
fn the_seed_knows_the_event() {
    let store = SqliteStore::in_memory().expect("opens");
    let planted = seed::plant(&store, now()).expect("plants").expect("was not there");
    assert_eq!(
        (&*planted.name, planted.summary.records),
        (seed::FEED, 3),
        "the two releases of the event, and doctor's canary"
    );
    let epoch = store.feed_epoch();
    assert_eq!(seed::plant(&store, now()).expect("plants"), None, "is there");
    assert_eq!(store.feed_epoch(), epoch);
    let litellm = store.advisories_on(&"pkg:pypi/litellm".parse().expect("a purl")).expect("answers");
    for (version, malicious) in
        [("1.82.6", false), ("1.82.7", true), ("1.82.8", true), ("1.82.8.0", true), ("1.82.9", false)]
    {
        let mut facts = bulkhead_core::Facts::new();
        let version = version.parse().expect("a version");
        crate::source::advisory::gather(&mut facts, Some(&version), &litellm, &[]);
        let ids = if malicious { vec!["MAL-2026-2144".to_owned()] } else { Vec::new() };
        assert_eq!(facts.get("advisory.malicious"), Some(&bulkhead_core::Value::List(ids)), "{version}");
        assert!(!malicious || format!("{:?}", facts.get("advisory.summary")).contains("litellm 1.82."));
    }
    let pth = "71e35aef03099cd1f2d6446734273025a163597de93912df321ef118bf135238".parse().expect("a digest");
    let found = store.advisories_with_files(&[pth]).expect("answers");
    assert_eq!(found[&pth][0].aliases, ["PYSEC-2026-2"]);
}

/// A zip as OSV's exports are; `large` puts every length into ZIP64 fields.
fn zip<'a>(members: impl Iterator<Item = (String, &'a [u8])>, large: bool) -> Vec<u8> {
    let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u64);
    for (name, plain) in members {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).expect("packs");
        let packed = encoder.finish().expect("packs");
        let mut crc = Crc::new();
        crc.update(plain);
        let lengths = [plain.len() as u64, packed.len() as u64, out.len() as u64];
        let short = lengths.map(|length| if large { u32::MAX } else { u32::try_from(length).expect("small") });
        let mut extra = Vec::new();
        if large {
            extra.extend([1, 0, 24, 0]);
            lengths.iter().for_each(|length| extra.extend(length.to_le_bytes()));
        }
        let name_len = u16::try_from(name.len()).expect("short").to_le_bytes();
        out.extend(b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0");
        out.extend([crc.sum(), short[1], short[0]].iter().flat_map(|word| word.to_le_bytes()));
        out.extend(name_len.iter().chain(&[0, 0]));
        out.extend(name.as_bytes());
        out.extend(&packed);
        directory.extend(b"PK\x01\x02\x14\0\x14\0\0\0\x08\0\0\0\0\0");
        directory.extend([crc.sum(), short[1], short[0]].iter().flat_map(|word| word.to_le_bytes()));
        directory.extend(name_len.iter().chain(&u16::try_from(extra.len()).expect("short").to_le_bytes()));
        directory.extend([0; 10]);
        directory.extend(short[2].to_le_bytes());
        directory.extend(name.as_bytes());
        directory.extend(&extra);
        count += 1;
    }
    let (at, size) = (out.len() as u64, directory.len() as u64);
    out.extend(&directory);
    if large {
        let end = out.len() as u64;
        out.extend(b"PK\x06\x06");
        out.extend(44_u64.to_le_bytes());
        out.extend([0; 12]);
        out.extend([count, count, size, at].iter().flat_map(|word| word.to_le_bytes()));
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend(end.to_le_bytes());
        out.extend(1_u32.to_le_bytes());
    }
    let small = |value: u64| if large { u32::MAX } else { u32::try_from(value).expect("small") };
    let short_count = if large { u16::MAX } else { u16::try_from(count).expect("few") };
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([short_count, short_count].iter().flat_map(|word| word.to_le_bytes()));
    out.extend([small(size), small(at)].iter().flat_map(|word| word.to_le_bytes()));
    out.extend([0, 0]);
    out
}
