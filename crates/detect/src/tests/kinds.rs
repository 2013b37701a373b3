//! Kinds of archives whose name does not say what they are.

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
