//! OSV records as their authors write them.

use bulkhead_core::Ecosystem;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::source::osv::{Record, read};
use crate::store::{Advisory, Affects, Release};

fn record(mut parts: Value) -> Value {
    parts["id"] = json!("MAL-2026-1");
    parts["modified"] = json!("2026-09-04T00:47:46.156672516Z");
    parts
}

fn advisory(json: &Value) -> Advisory {
    match read(json.to_string().as_bytes()).expect("a record") {
        Record::Advisory(advisory) => advisory,
        other => panic!("{other:?}"),
    }
}

fn affects(advisory: &Advisory, version: &str) -> bool {
    let release = Release::parse(Ecosystem::Pypi, version).expect("a version");
    advisory.affected.iter().any(|affected| affected.affects(&release) == Affects::Yes)
}

#[test]
fn a_malicious_package_record_as_it_is_published() {
    let (wheel, member, report) = ("ab".repeat(32), "CD".repeat(32), "ef".repeat(32));
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let advisory = advisory(&record(json!({
        "schema_version": "1.7.4",
        "summary": "Malicious code in demo (PyPI)",
        "details": "long",
        "aliases": ["PYSEC-2026-9"],
        "affected": [{
            "package": {"name": "De_Mo", "ecosystem": "PyPI"},
            "versions": ["0.0.1"],
            "database_specific": {"indicators": {
                "evidence_files": [{"path": "demo/__init__.py", "sha256": member, "tlsh": "00"}, {"path": "e", "sha256": empty}],
                "package_integrity": [{"filename": "demo-0.0.1.whl", "hashes": {"md5": "00", "sha256": wheel}}],
            }},
        }],
        "database_specific": {
            "iocs": {"domains": ["x.test"]},
            "malicious-packages-origins": [{"source": "s", "sha256": report, "versions": ["0.0.1"]}],
        },
    })));
    assert!(advisory.malicious && affects(&advisory, "0.0.1") && !affects(&advisory, "0.0.2"));
    assert_eq!(advisory.affected[0].name(), "de-mo");
    assert_eq!(advisory.aliases, ["PYSEC-2026-9"]);
    // The hash of the report is no file's hash, and a record that names the empty file would name half of PyPI.
    assert_eq!(advisory.files.iter().map(|digest| digest.to_hex()).collect::<Vec<_>>(), [wheel, member.to_lowercase()]);
}

#[test]
fn malicious_is_told_by_id_alias_or_origin_never_by_words() {
    let part = json!([{"package": {"name": "demo", "ecosystem": "PyPI"}, "versions": ["1"]}]);
    let with = |id: &str, aliases: Value, specific: Value| {
        let json = json!({"id": id, "modified": "2026-01-01T00:00:00Z", "aliases": aliases, "affected": part,
                          "database_specific": specific, "summary": "Malicious, says the summary"});
        advisory(&json).malicious
    };
    assert!(with("MAL-1", json!([]), json!({})));
    assert!(with("GHSA-1", json!(["MAL-1"]), json!({})));
    assert!(with("X-1", json!(null), json!({"malicious-packages-origins": [{}]})));
    assert!(!with("GHSA-1", json!(["CVE-1"]), json!(null)));
}

#[test]
fn a_malicious_record_without_versions_is_about_all_of_them() {
    let part = |id: &str| {
        json!({"id": id, "modified": "2026-01-01T00:00:00Z",
               "affected": [{"package": {"name": "demo", "ecosystem": "PyPI"},
                             "ranges": [{"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "abc"}]}]}]})
    };
    assert!(affects(&advisory(&part("MAL-1")), "1.0"));
    assert!(!affects(&advisory(&part("GHSA-1")), "1.0"), "commits say nothing about versions");
}

#[test]
fn withdrawn_and_foreign_records_are_told_apart() {
    let withdrawn = record(json!({"withdrawn": "2026-09-05T00:00:00Z", "affected": []}));
    assert_eq!(read(withdrawn.to_string().as_bytes()), Ok(Record::Withdrawn));
    for elsewhere in [
        json!({"affected": [{"package": {"name": "bash", "ecosystem": "Debian:12"}, "versions": ["1"]}]}),
        json!({"affected": [{"package": {"name": "../up", "ecosystem": "PyPI"}}]}),
        json!({"affected": [{"versions": ["1"]}]}),
        json!({"affected": null}),
        json!({}),
    ] {
        assert_eq!(read(record(elsewhere).to_string().as_bytes()), Ok(Record::Elsewhere));
    }
}

#[test]
fn what_is_no_record_says_why() {
    let good = "2026-01-01T00:00:00Z";
    for (json, why) in [
        (json!(["X", good, null, [], null, [], null]), "not a JSON object"),
        (json!({"modified": good}), "missing field `id`"),
        (json!({"id": "", "modified": good}), "`id` is empty"),
        (json!({"id": "X"}), "missing field `modified`"),
        (json!({"id": "X", "modified": "yesterday"}), "`modified` is `yesterday`"),
        (json!({"id": "X", "modified": good, "withdrawn": "no"}), "`withdrawn` is `no`"),
        (json!({"id": "X", "modified": good, "affected": {}}), "invalid type"),
        (json!({"id": "X", "modified": good, "affected": [{"versions": "1"}]}), "invalid type"),
        (json!({"id": "X", "modified": good, "affected": [{"ranges": [{"events": []}]}]}), "missing field `type`"),
    ] {
        let error = read(json.to_string().as_bytes()).expect_err("no record").to_string();
        assert!(error.contains(why), "{json}: {error}");
    }
    read(b"{\"id\": \"X\"").expect_err("cut off");
}

#[test]
fn deep_indicators_do_not_exhaust_the_stack() {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let json = format!(
        r#"{{"id":"MAL-1","modified":"2026-01-01T00:00:00Z","database_specific":{{"iocs":{deep}}},
            "affected":[{{"package":{{"ecosystem":"PyPI","name":"demo"}}}}]}}"#
    );
    assert!(matches!(read(json.as_bytes()), Ok(Record::Advisory(_))));
    let deeper = json.replace(&deep, &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    read(deeper.as_bytes()).expect_err("serde_json has its own limit");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _either = read(&bytes);
    }

    #[test]
    fn any_version_list_matches_itself(parts in proptest::collection::vec((0..99_u8, 0..99_u8), 1..20)) {
        let versions: Vec<String> = parts.iter().map(|(major, minor)| format!("{major}.{minor}")).collect();
        let json = record(json!({"affected": [{"package": {"ecosystem": "PyPI", "name": "demo"}, "versions": versions}]}));
        let advisory = advisory(&json);
        for version in &versions {
            prop_assert!(affects(&advisory, version));
        }
        prop_assert!(!affects(&advisory, "100.0"));
    }
}
