//! `bulkhead scan` and `bulkhead diff`, as a person runs them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Place, Registry, Wheel, sha256};

/// An environment with one distribution, as pip leaves it.
fn environment(root: &Path) {
    let site = root.join("lib/python3.12/site-packages");
    fs::create_dir_all(&site).expect("a folder");
    fs::write(root.join("pyvenv.cfg"), "home = /usr/bin\n").expect("writes");
    let metadata = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n";
    let mut record = String::from("demo-1.0.dist-info/RECORD,,\n");
    for (path, content) in
        [("demo/__init__.py", "def upper(text):\n    return text.upper()\n"), ("demo-1.0.dist-info/METADATA", metadata)]
    {
        fs::create_dir_all(site.join(path).parent().expect("a folder")).expect("a folder");
        fs::write(site.join(path), content).expect("writes");
        let digest = hex(&sha256(content.as_bytes()));
        record.push_str(&format!("{path},sha256={digest},{}\n", content.len()));
    }
    fs::write(site.join("demo-1.0.dist-info/RECORD"), record).expect("writes");
}

/// RECORD spells digests in base64.
fn hex(digest: &str) -> String {
    use base64::Engine as _;
    let bytes: Vec<u8> =
        (0..digest.len()).step_by(2).map(|at| u8::from_str_radix(&digest[at..at + 2], 16).expect("hex")).collect();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn place() -> (Registry, Place) {
    let registry = Registry::start();
    let place = Place::before(&registry);
    (registry, place)
}

#[test]
fn a_poisoned_environment_names_the_file_the_line_and_what_to_do() {
    let (_registry, place) = place();
    let folder = tempfile::tempdir().expect("a folder");
    environment(folder.path());
    let path = folder.path().to_str().expect("a path");
    let clean = place.run(&["scan", path]).expect_good();
    assert!(clean.all().contains("an installed environment of 1 distributions"), "{clean}");

    fs::write(folder.path().join("lib/python3.12/site-packages/zz.pth"), "# x\nimport os; pass\n").expect("writes");
    let poisoned = place.run(&["scan", path]);
    assert!(!poisoned.good(), "{poisoned}");
    for words in ["zz.pth:2", "| import os; pass", "every interpreter start", "no installed package claims this file"] {
        assert!(poisoned.all().contains(words), "no {words:?} in\n{poisoned}");
    }
    assert!(!poisoned.as_printed().contains('\u{1b}'), "no colours where no person looks");

    let sarif: Value = serde_json::from_str(&place.run(&["scan", path, "--format", "sarif"]).all()).expect("JSON");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&sarif["version"], &result["ruleId"]), (&"2.1.0".into(), &"executable-pth".into()));
    let physical = &result["locations"][0]["physicalLocation"];
    assert_eq!((&physical["artifactLocation"]["uri"], &physical["region"]["startLine"]), (&"zz.pth".into(), &2.into()));
}

#[test]
fn a_lockfile_is_held_against_advisories_and_the_ledger() {
    let (_registry, place) = place();
    let folder = tempfile::tempdir().expect("a folder");
    let lock = folder.path().join("requirements.txt");
    fs::write(&lock, "litellm==1.82.8\ndemo==1.0\n").expect("writes");
    let path = lock.to_str().expect("a path");
    let screen = place.run(&["scan", path]);
    assert!(!screen.good(), "{screen}");
    assert!(screen.all().contains("MAL-2026-2144") && !screen.all().contains("pkg:pypi/demo@1.0  "), "{screen}");
    fs::write(&lock, "demo==1.0\n").expect("writes");
    place.run(&["scan", path]).expect_good();
}

#[test]
fn two_releases_are_compared_without_a_registry() {
    let (_registry, place) = place();
    let folder = tempfile::tempdir().expect("a folder");
    let write = |wheel: Wheel| {
        let path = folder.path().join(wheel.file_name());
        fs::write(&path, wheel.build()).expect("writes");
        path.to_str().expect("a path").to_owned()
    };
    let before = write(Wheel::new("demo", "1.0.0"));
    let same = write(Wheel::new("demo", "1.0.1"));
    let foreign = write(Wheel::new("demo", "1.0.2").requires("helper @ https://files.test/helper.whl"));
    place.run(&["diff", &before, &same]).expect_good();
    let screen = place.run(&["diff", &before, &foreign]);
    assert!(!screen.good(), "{screen}");
    assert!(screen.all().contains("dependency:helper") && screen.all().contains("rule delta-hold"), "{screen}");
    let json: Value =
        serde_json::from_str(&place.run(&["diff", &before, &foreign, "--format", "json"]).all()).expect("JSON");
    assert_eq!((&json["effect"], &json["delta"]["from"]), (&"hold".into(), &"1.0.0".into()));
    let wheel = place.run(&["scan", &before, "--format", "json"]);
    let wheel: Value = serde_json::from_str(&wheel.all()).expect("JSON");
    assert_eq!((&wheel["items"][0]["purl"], &wheel["effect"]), (&"pkg:pypi/demo@1.0.0".into(), &"allow".into()));
}

#[test]
fn what_cannot_be_looked_at_is_wrong_use() {
    let (_registry, place) = place();
    for target in ["no-such-file.whl", "Cargo.toml", "pkg:pypi/"] {
        let screen = place.run(&["scan", target]);
        assert!(!screen.good(), "{target}: {screen}");
    }
}

#[test]
fn a_file_that_is_too_large_to_be_looked_at_is_named() {
    let (_registry, place) = place();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.py"), "VALUE = 1\n").unwrap();
    // Sparse: it takes no room.
    std::fs::File::create(folder.path().join("large.py")).unwrap().set_len(33 << 20).unwrap();
    let screen = place.run(&["scan", folder.path().to_str().unwrap()]);
    assert!(screen.all().contains("large.py is larger than [SIZE] and was NOT looked at"), "{screen}");
    assert!(!screen.all().contains("small.py is larger"), "{screen}");
}

#[test]
fn a_release_is_read_and_judged_without_being_installed() {
    let registry = Registry::start();
    let good = registry.publish(Wheel::new("demo", "1.0"));
    let bad = registry.publish(Wheel::new("demo", "1.1").file("demo_init.pth", "import os; pass\n"));
    let bulkhead = crate::support::Bulkhead::before(&registry);
    bulkhead.run(&["scan", "pkg:pypi/demo@1.0"]).expect_good();
    let screen = bulkhead.run(&["scan", "pkg:pypi/demo@1.1"]);
    assert!(!screen.good() && screen.all().contains("demo_init.pth:1"), "{screen}");
    assert_eq!((registry.asked_for(good.filename()), registry.asked_for(bad.filename())), (1, 1));
    let diff = bulkhead.run(&["diff", "pkg:pypi/demo@1.0", "pkg:pypi/demo@1.1"]);
    assert!(diff.all().contains("hook:"), "{diff}");
}

#[test]
fn code_that_is_made_to_exhaust_a_reader_has_a_verdict_all_the_same() {
    let (_registry, place) = place();
    let folder = tempfile::tempdir().expect("a folder");
    let wheel = Wheel::new("demo", "1.0")
        .file("demo/brackets.py", "(".repeat(1_000_000))
        .file("demo/strings.py", format!("x = {}", "f\"{".repeat(200_000)))
        .file("demo/deep.js", "[".repeat(1_000_000))
        .file("demo/calls.py", "f()\n".repeat(200_000))
        .file("demo/line.js", format!("x({});", "'a',".repeat(500_000)));
    let path = folder.path().join(wheel.file_name());
    fs::write(&path, wheel.build()).expect("writes");
    let screen = place.run(&["scan", path.to_str().expect("a path"), "--format", "json"]);
    let scanned: Value = serde_json::from_str(&screen.all()).expect("a report, not a crash");
    assert_eq!(scanned["items"].as_array().map(Vec::len), Some(1), "{screen}");
    assert_eq!(scanned["notes"], Value::Array(Vec::new()), "{screen}");
}
