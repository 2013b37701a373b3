//! Attributes and Unknowns.

use bulkhead_core::policy::{Settings, schema};
use bulkhead_core::{Duration, Ecosystem, Facts, Gate, Purl, Sha256, Value};
use jiff::Timestamp;
use pep440_rs::Version;

use crate::source::{advisory, age, floor, reserved, seed, status};
use crate::store::{Advisory, Affected, Bound, Feed, FeedSummary, Range, ServedVersion};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + second).expect("a moment")
}

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

/// The facts that a source sets; every name is in the schema, and null is a value.
fn gathered(gather: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = Facts::new();
    gather(&mut facts);
    for name in facts.attributes.keys() {
        assert!(schema::of(Gate::Intake).any(|attribute| attribute.name == name), "{name} is not in the schema");
    }
    facts
}

fn unknowns(facts: &Facts) -> Vec<&str> {
    facts.unknowns.iter().map(|unknown| &*unknown.source).collect()
}

#[test]
fn an_age_comes_from_the_upload_or_from_first_seen() {
    use age::Told;
    let cases = [
        (Told::At(at(-100)), None, Value::Int(100), "upload"),
        (Told::At(at(-100)), Some(at(-7)), Value::Int(100), "upload"),
        (Told::At(at(300)), None, Value::Int(0), "upload"),
        (Told::At(at(301)), None, Value::Int(-301), "future"),
        (Told::At(at(301)), Some(at(-9_999_999)), Value::Int(-301), "future"),
        (Told::Nothing, Some(at(-50)), Value::Int(50), "first-seen"),
        (Told::Nothing, Some(at(50)), Value::Int(0), "first-seen"),
    ];
    for (told, first_seen, age, time) in cases {
        let facts = gathered(|facts| age::gather(facts, told, first_seen, at(0)));
        assert_eq!((facts.get("file.age"), facts.get("file.time")), (Some(&age), Some(&time.into())), "{told:?}");
        assert!(facts.unknowns.is_empty(), "{told:?}");
    }
    let facts = gathered(|facts| age::gather(facts, Told::At(at(-1)), None, at(0)));
    assert_eq!(facts.get("file.uploaded"), Some(&at(-1).to_string().into()));
}

#[test]
fn without_a_clock_the_age_is_unknown() {
    for (told, time) in [(age::Told::Nothing, Value::Null), (age::Told::Malformed("soon"), "malformed".into())] {
        let first_seen = (told != age::Told::Nothing).then(|| at(-9_999_999));
        let facts = gathered(|facts| age::gather(facts, told, first_seen, at(0)));
        assert_eq!((facts.get("file.age"), facts.get("file.time")), (Some(&Value::Null), Some(&time)));
        assert_eq!(unknowns(&facts), [age::SOURCE]);
    }
}

#[test]
fn a_status_is_passed_on_and_a_new_word_is_unknown() {
    let gather = |status| gathered(|facts| status::gather(facts, status));
    assert_eq!(gather(None).get("project.status"), Some(&"active".into()));
    let facts = gather(Some((" Quarantined", Some("malware"))));
    assert_eq!(facts.get("project.status"), Some(&"quarantined".into()));
    assert_eq!(facts.get("project.status_reason"), Some(&"malware".into()));
    assert!(facts.unknowns.is_empty());
    let facts = gather(Some(("frozen", None)));
    assert_eq!((facts.get("project.status"), unknowns(&facts)), (Some(&"frozen".into()), vec![status::SOURCE]));
    let facts = gather(Some(("", None)));
    assert_eq!((facts.get("project.status"), unknowns(&facts)), (Some(&Value::Null), vec![status::SOURCE]));
}

#[test]
fn reserved_names_are_compared_normalised() {
    let settings = Settings { reserved: vec!["Acme_*".to_owned()], ..Settings::default() };
    for (name, is) in [("acme-tools", true), ("ACME.tools", true), ("acme", false), ("not-acme-tools", false)] {
        let project = Purl::project(Ecosystem::Pypi, name).expect("a name");
        let facts = gathered(|facts| reserved::gather(facts, &project, &settings));
        assert_eq!(facts.get("project.reserved"), Some(&is.into()), "{name}");
    }
}

fn served(version: &str, uploaded: Option<i64>) -> ServedVersion {
    ServedVersion { version: version.to_owned(), uploaded: uploaded.map(at), last_served: at(0), count: 1 }
}

#[test]
fn the_floor_is_the_highest_stable_version() {
    let highest = |versions: &[&str]| {
        let served = versions.iter().map(|version| served(version, None)).collect();
        floor::highest(served).map(|(_, served)| served.version)
    };
    assert_eq!(highest(&["1.9", "1.10", "1.2"]).as_deref(), Some("1.10"));
    assert_eq!(highest(&["1.0", "2.0rc1", "3.0.dev1"]).as_deref(), Some("1.0"));
    assert_eq!(highest(&["2.0rc1", "2.0b1"]).as_deref(), Some("2.0rc1"));
    assert_eq!(highest(&["0.5", "weird"]).as_deref(), Some("0.5"));
    assert_eq!(highest(&["weird"]), None);
}

#[test]
fn a_lower_version_is_below_the_floor_by_some_time() {
    let floor = (version("2.0"), served("2.0", Some(-100)));
    let gather = |own: Option<&str>, uploaded: Option<i64>| {
        let own = own.map(version);
        gathered(|facts| floor::gather(facts, own.as_ref(), uploaded.map(at), Some(&floor)))
    };
    let facts = gather(Some("1.0"), Some(-1_000));
    assert_eq!(facts.get("floor.version"), Some(&"2.0".into()));
    assert_eq!((facts.get("floor.below"), facts.get("floor.lag")), (Some(&true.into()), Some(&900.into())));
    for same_or_above in ["2.0.0", "2.1"] {
        assert_eq!(gather(Some(same_or_above), None).get("floor.below"), Some(&false.into()));
    }
    assert_eq!(gather(Some("1.0"), None).get("floor.lag"), Some(&Value::Null));
    let facts = gather(None, None);
    assert_eq!((facts.get("floor.below"), unknowns(&facts)), (Some(&Value::Null), vec![floor::SOURCE]));
    let first = gathered(|facts| floor::gather(facts, Some(&version("1.0")), None, None));
    assert_eq!(first.get("floor.below"), Some(&Value::Null));
    assert!(first.unknowns.is_empty(), "a first download is below nothing");
}

fn record(id: &str, malicious: bool, bounds: Vec<Bound>) -> Advisory {
    Advisory {
        id: id.to_owned(),
        aliases: Vec::new(),
        summary: format!("{id} says so"),
        malicious,
        modified: at(0),
        affected: vec![Affected::new(Ecosystem::Pypi, "demo".to_owned(), Vec::new(), vec![Range { bounds }])],
        files: Vec::new(),
    }
}

#[test]
fn advisories_are_told_apart_and_the_worst_one_speaks() {
    let below_two = || vec![Bound::Introduced("0".to_owned()), Bound::Fixed("2".to_owned())];
    let by_name = [record("GHSA-1", false, below_two()), record("MAL-1", true, below_two())];
    let list = |ids: &[&str]| Value::List(ids.iter().map(|id| (*id).to_owned()).collect());
    let gather = |own: Option<&str>, of_file: &[Advisory]| {
        let own = own.map(version);
        gathered(|facts| advisory::gather(facts, own.as_ref(), &by_name, of_file))
    };
    let facts = gather(Some("1.0"), &[]);
    assert_eq!(facts.get("advisory.malicious"), Some(&list(&["MAL-1"])));
    assert_eq!(facts.get("advisory.vulnerable"), Some(&list(&["GHSA-1"])));
    assert_eq!(facts.get("advisory.summary"), Some(&"MAL-1 says so".into()));
    let facts = gather(Some("2.0"), &[]);
    assert_eq!(
        (facts.get("advisory.malicious"), facts.get("advisory.summary")),
        (Some(&list(&[])), Some(&Value::Null))
    );
    // The file itself is named: the version it claims does not matter. Twice named is once listed.
    let facts = gather(Some("2.0"), &[by_name[1].clone(), by_name[1].clone()]);
    assert_eq!(facts.get("advisory.malicious"), Some(&list(&["MAL-1"])));
    let facts = gather(None, &[]);
    assert_eq!(unknowns(&facts), [advisory::SOURCE, advisory::SOURCE], "no version, no answer");
}

#[test]
fn a_record_that_cannot_be_read_is_unknown() {
    let by_name = [record("MAL-1", true, vec![Bound::Introduced("r7".to_owned())])];
    let facts = gathered(|facts| advisory::gather(facts, Some(&version("1")), &by_name, &[]));
    assert_eq!(unknowns(&facts), [advisory::SOURCE]);
    assert!(facts.unknowns[0].why.contains("r7") && facts.unknowns[0].why.contains("MAL-1"));
}

#[test]
fn an_old_feed_is_unknown_and_the_seed_has_no_age() {
    let settings = Settings { feed_max_age: Duration::seconds(1_000), ..Settings::default() };
    let feed = |name: &str, imported: i64, newest: i64, records: u64| Feed {
        name: name.to_owned(),
        summary: FeedSummary {
            digest: Sha256::from_bytes([0; 32]),
            records,
            withdrawn: 0,
            elsewhere: 0,
            invalid: 0,
            newest: Some(at(newest)),
        },
        imported_at: at(imported),
    };
    let stale = |feed: Feed| {
        let facts = gathered(|facts| advisory::gather_age(facts, std::slice::from_ref(&feed), &settings, at(0)));
        !unknowns(&facts).is_empty()
    };
    assert!(!stale(feed("osv", -1_000, -1_000, 50_000)));
    assert!(stale(feed("osv", -1_001, 0, 50_000)));
    assert!(stale(feed("osv", -1, -1_001, 50_000)), "imported today, frozen long ago");
    assert!(!stale(feed("own", -1, -99_999, 12)), "a small feed may rest");
    assert!(!stale(feed(seed::FEED, -99_999, -99_999, 2)));
    assert!(gathered(|facts| advisory::gather_age(facts, &[], &settings, at(0))).unknowns.is_empty());
}
