//! Packs that detectors read as what they were, environments against their RECORD, and lockfiles.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_core::Severity;
use bulkhead_detect::{ArchiveKind, Limits, Report, inspect_as};

use super::lock::{self, Locked};
use super::pack::Pack;
use super::target::{self, Work};
use super::{Parcel, installed};

fn look(parcel: &mut Parcel) -> Report {
    let mut bytes = Vec::new();
    parcel.file.read_to_end(&mut bytes).expect("memory is read");
    inspect_as(&bytes, parcel.kind, &parcel.file_name, &Limits::default())
}

#[test]
fn every_kind_of_pack_is_read_without_a_flaw() {
    let long = format!("package/{}a,\"b\".py", "deep/".repeat(60));
    for (kind, name, files) in [
        (ArchiveKind::Npm, "demo-1.0.0.tgz", vec![("package/package.json", "{}"), (long.as_str(), "x = 1\n")]),
        (ArchiveKind::Crate, "demo-1.0.0.crate", vec![("demo-1.0.0/Cargo.toml", "[package]\n")]),
        (ArchiveKind::Tree, "", vec![("ä/b.py", "x = 1\n"), ("empty", "")]),
        (ArchiveKind::SdistTarGz, "demo-1.0.tar.gz", vec![("demo-1.0/PKG-INFO", "Name: demo\nVersion: 1.0\n")]),
    ] {
        let mut pack = Pack::new(kind).expect("memory");
        for (path, content) in &files {
            pack.add(path, content.as_bytes()).expect("memory");
        }
        let mut file = pack.finish().expect("memory");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("memory is read");
        let report = inspect_as(&bytes, kind, name, &Limits::default());
        let flaws: Vec<_> = report.findings.iter().filter(|found| found.detector.starts_with("archive")).collect();
        assert!(report.readable && flaws.is_empty(), "{kind:?}: {:#?}", report.findings);
        assert_eq!(report.members.len(), files.len(), "{kind:?}");
        use std::io::Write as _;
        file.write_all(b"x").expect_err("the worker's descriptor cannot be written");
    }
}

/// A site-packages folder with one distribution.
fn site(root: &Path) {
    let files: &[(&str, &str)] = &[
        ("demo/__init__.py", "def upper(text):\n    return text.upper()\n"),
        ("demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"),
        ("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        ("demo-1.0.dist-info/INSTALLER", "pip\n"),
    ];
    let mut record =
        String::from("demo-1.0.dist-info/RECORD,,\n../../../bin/demo,sha256=AAAA,3\ndemo/__pycache__/x.pyc,,\n");
    for (path, content) in files {
        fs::create_dir_all(root.join(path).parent().expect("a folder")).expect("a folder");
        fs::write(root.join(path), content).expect("writes");
        let sha256 = URL_SAFE_NO_PAD.encode(crate::blob::sha256(content.as_bytes()).as_bytes());
        record.push_str(&format!("{path},sha256={sha256},{}\n", content.len()));
    }
    fs::write(root.join("demo-1.0.dist-info/RECORD"), record).expect("writes");
}

#[test]
fn what_is_installed_as_it_was_published_is_no_finding() {
    let folder = tempfile::tempdir().expect("a folder");
    site(folder.path());
    fs::write(folder.path().join("_virtualenv.pth"), "import _virtualenv").expect("writes");
    let found = installed::read(folder.path()).expect("reads");
    assert_eq!(found.distributions.len(), 1);
    let mut parcel = found.parcel(&found.distributions[0]).expect("packs");
    assert_eq!((parcel.purl.as_deref(), parcel.findings.len()), (Some("pkg:pypi/demo@1.0"), 0));
    let report = look(&mut parcel);
    assert!(report.readable && report.findings.is_empty(), "{:#?}", report.findings);
    assert!(report.members.iter().any(|member| member.path == "demo/__init__.py"));
    assert!(found.unrecorded().expect("reads").is_none(), "{:?}", found.unrecorded);
}

#[test]
fn a_file_that_was_changed_after_the_install_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    site(folder.path());
    fs::write(folder.path().join("demo/__init__.py"), "VALUE = 2\n").expect("writes");
    let found = installed::read(folder.path()).expect("reads");
    let parcel = found.parcel(&found.distributions[0]).expect("packs");
    let finding = &parcel.findings[0];
    assert_eq!((finding.detector.as_str(), finding.severity), ("record-mismatch", Severity::High));
    assert_eq!(finding.location.as_ref().expect("a place").path, "demo/__init__.py");
    fs::remove_file(folder.path().join("demo/__init__.py")).expect("removes");
    let found = installed::read(folder.path()).expect("reads");
    let parcel = found.parcel(&found.distributions[0]).expect("packs");
    assert_eq!((parcel.findings.len(), parcel.findings[0].severity), (1, Severity::Low));
}

#[test]
fn a_start_up_file_that_nobody_installed_is_found_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    site(folder.path());
    fs::write(folder.path().join("zz_demo.pth"), "# a comment\nimport os; pass\n").expect("writes");
    fs::write(folder.path().join("sitecustomize.py"), "pass\n").expect("writes");
    let found = installed::read(folder.path()).expect("reads");
    let mut parcel = found.unrecorded().expect("packs").expect("something");
    let report = look(&mut parcel);
    let pth = report.findings.iter().find(|found| found.detector == "executable-pth").expect("a finding");
    let place = pth.location.as_ref().expect("a place");
    assert_eq!((place.path.as_str(), place.line), ("zz_demo.pth", Some(2)));
    assert!(report.findings.iter().any(|found| found.detector == "startup-module"), "{:#?}", report.findings);
    assert!(parcel.advice.expect("advice").contains("no installed package claims"));
}

#[test]
fn packages_of_node_modules_are_found_at_every_depth() {
    let folder = tempfile::tempdir().expect("a folder");
    for package in ["a", "a/node_modules/b", "@s/c", ".pnpm/d@1/node_modules/d", ".bin"] {
        let path = folder.path().join("node_modules").join(package);
        fs::create_dir_all(&path).expect("a folder");
        fs::write(path.join("package.json"), r#"{"name":"x","version":"1.0.0"}"#).expect("writes");
    }
    let target = target::find(folder.path()).expect("finds");
    let labels: Vec<String> = target.work.iter().map(Work::label).collect();
    assert_eq!(labels, ["d", "c", "a", "b"]);
    let parcel = target.work[2].parcel().expect("packs").expect("something");
    assert_eq!((parcel.name.as_str(), parcel.purl.as_deref()), ("x 1.0.0", Some("pkg:npm/x@1.0.0")));
}

#[test]
fn a_link_out_of_the_tree_is_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.py"), "x = 1\n").expect("writes");
    std::os::unix::fs::symlink("/", folder.path().join("root")).expect("links");
    std::os::unix::fs::symlink(".", folder.path().join("loop")).expect("links");
    let target = target::find(folder.path()).expect("finds");
    let mut parcel = target.work[0].parcel().expect("packs").expect("something");
    assert_eq!(look(&mut parcel).members.len(), 1);
}

fn locked(name: &str, text: &str) -> Locked {
    lock::read(name, text).expect("reads")
}

#[test]
fn lockfiles_name_their_releases() {
    let uv = "version = 1\n[[package]]\nname = \"Lite_LLM\"\nversion = \"1.82.8\"\nsource = { registry = \"https://index.test/simple\" }\n\
              [[package]]\nname = \"own\"\nversion = \"0.1\"\nsource = { editable = \".\" }\n";
    let found = locked("uv.lock", uv);
    assert_eq!(found.purls, ["pkg:pypi/lite-llm@1.82.8"]);
    assert_eq!(found.notes, ["own: it does not come from a registry"]);
    let poetry = "[[package]]\nname = \"a\"\nversion = \"1\"\n[[package]]\nname = \"b\"\nversion = \"2\"\n[package.source]\ntype = \"git\"\nurl = \"https://x.test\"\n";
    assert_eq!(locked("poetry.lock", poetry).purls, ["pkg:pypi/a@1"]);
    let requirements = "# c\na==1.0 \\\n    --hash=sha256:00\nb[x]==2.0 ; python_version > '3'\nc>=1\n-r other.txt\n";
    let found = locked("requirements-dev.txt", requirements);
    assert_eq!(found.purls, ["pkg:pypi/a@1.0", "pkg:pypi/b@2.0"]);
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
    let npm = r#"{"packages":{"":{"name":"own"},"node_modules/a":{"version":"1.0.0"},"node_modules/a/node_modules/@s/b":{"version":"2.0.0"},"node_modules/l":{"link":true}}}"#;
    assert_eq!(locked("package-lock.json", npm).purls, ["pkg:npm/%40s/b@2.0.0", "pkg:npm/a@1.0.0"]);
    let old = r#"{"dependencies":{"a":{"version":"1.0.0","dependencies":{"b":{"version":"2.0.0"}}}}}"#;
    assert_eq!(locked("npm-shrinkwrap.json", old).purls, ["pkg:npm/a@1.0.0", "pkg:npm/b@2.0.0"]);
    let pnpm = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n\npackages:\n\n  '@s/a@1.0.0':\n    resolution: {}\n\n  /b@2.0.0(react@1.0.0):\n    dev: true\n\n  /c/3.0.0:\n    dev: true\n\nsnapshots:\n\n  x@1.0.0: {}\n";
    assert_eq!(locked("pnpm-lock.yaml", pnpm).purls, ["pkg:npm/%40s/a@1.0.0", "pkg:npm/b@2.0.0", "pkg:npm/c@3.0.0"]);
    let cargo = "[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n[[package]]\nname = \"serde\"\nversion = \"1.0.0\"\nsource = \"registry+https://index.test\"\n";
    assert_eq!(locked("Cargo.lock", cargo).purls, ["pkg:cargo/serde@1.0.0"]);
}

#[test]
fn a_lockfile_that_is_none_is_an_error_and_not_an_empty_list() {
    for (name, text) in [("uv.lock", "not toml ["), ("package-lock.json", "{"), ("pnpm-lock.yaml", "a: b\n")] {
        lock::read(name, text).expect_err(name);
    }
}

/// Unknown is no pass: what could not be packed or read is held by the shipped policy, and says why.
#[test]
fn what_could_not_be_read_is_held() {
    let policy = bulkhead_core::policy::Policy::parse(bulkhead_core::policy::DEFAULT, "policy.toml")
        .expect("the shipped policy");
    let now = "2026-03-24T10:00:00Z".parse().expect("a time");
    let item = super::judge::unread(&policy, now, "demo 1.0".to_owned(), "permission denied");
    assert_eq!(item.effect, bulkhead_core::Effect::Hold);
    assert!(item.reasons.iter().any(|reason| reason.rule == "unreadable"), "{item:?}");
    assert!(item.advice.is_some_and(|advice| advice.contains("permission denied")));
}
