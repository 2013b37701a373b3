//! Profiles of archives that were really read.

use bulkhead_core::FindingContext;

use super::make_tar::{Item, gzip, tar};
use super::make_zip::wheel;
use super::{SDIST, WHEEL, look};
use crate::behaviour::{Ability, Sources};
use crate::profile::{Act, BlobKind, CodeFile, Dependency, Profile, most};

fn blob(content: &[u8], path: &str) -> Option<BlobKind> {
    let report = look(&wheel(&[(path, content)]).bytes(), WHEEL);
    report.profile.blobs.first().map(|blob| blob.kind)
}

#[test]
fn files_are_known_by_their_first_bytes() {
    let elf = b"\x7fELF\x02\x01\x01\x00rest of it";
    assert_eq!(blob(elf, "demo/_x.cpython-311-x86_64-linux-gnu.so"), Some(BlobKind::Native));
    assert_eq!(blob(elf, "demo/helper"), Some(BlobKind::Native));
    assert_eq!(blob(elf, "demo/logo.png"), Some(BlobKind::Disguised));
    assert_eq!(blob(b"MZ\x90\x00\x03\x00\x00\x00", "demo/x.txt"), Some(BlobKind::Disguised));
    assert_eq!(blob(b"MZ is how this text begins", "demo/x.txt"), None);
    assert_eq!(blob(b"\xca\xfe\xba\xbe\x00\x00\x00\x02", "demo/x.dylib"), Some(BlobKind::Native));
    assert_eq!(blob(b"\xca\xfe\xba\xbe\x00\x00\x00\x34", "demo/X.class"), Some(BlobKind::Bytecode));
    assert_eq!(blob(b"\0asm\x01\0\0\0", "demo/x"), Some(BlobKind::Bytecode));
    assert_eq!(blob(b"PK\x03\x04....", "demo/inner.wav"), Some(BlobKind::Archive));
    assert_eq!(blob(b"{}", "demo/x.json"), None);
    assert_eq!(blob(b"\x7f", "demo/short"), None);
    let large = vec![b'x'; (1 << 20) + 1];
    assert_eq!(blob(&large, "demo/router.js"), Some(BlobKind::Foreign));
    assert_eq!(blob(&large, "demo/data.bin"), Some(BlobKind::Opaque));
    assert_eq!(blob(&large, "demo/data.csv"), None);
}

#[test]
fn paths_lose_what_every_release_has_another_of() {
    let elf: &[u8] = b"\x7fELF....";
    let first = |report: crate::Report| report.profile.blobs[0].path.clone();
    assert_eq!(first(look(&wheel(&[("demo-1.0.data/scripts/x", elf)]).bytes(), WHEEL)), "*.data/scripts/x");
    let sdist = tar(&[Item::file("demo-1.0/PKG-INFO", b"Name: demo\nVersion: 1.0\n"), Item::file("demo-1.0/a/x", elf)]);
    assert_eq!(first(look(&gzip(&sdist), SDIST)), "a/x");
}

#[test]
fn dependencies_come_from_the_metadata() {
    let info = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: B_c>=1\nRequires-Dist: d @ https://x.test/d.whl\n";
    let sdist = tar(&[Item::file("demo-1.0/PKG-INFO", info)]);
    let found = look(&gzip(&sdist), SDIST).profile.dependencies;
    let dependency =
        |name: &str, wants: &str, url| Dependency { name: name.into(), wants: wants.into(), url, optional: false };
    assert_eq!(found, [dependency("b-c", ">=1", false), dependency("d", "@ https://x.test/d.whl", true)]);
}

#[test]
fn start_up_files_are_counted_and_counts_are_right() {
    let report = look(&wheel(&[("demo.pth", b"demo\n"), ("demo/x.pth", b"weights")]).bytes(), WHEEL);
    assert_eq!(report.profile.structure.pth, 1);
    assert_eq!(u64::from(report.profile.structure.files), report.members.len() as u64);
    assert_eq!(report.profile.structure.bytes, report.unpacked_size);
}

#[test]
fn what_this_crate_makes_has_no_flaw_and_what_a_stranger_makes_has() {
    let report = look(&wheel(&[("demo/\u{202e}x.so", b"\x7fELF....")]).bytes(), WHEEL);
    assert_eq!(report.profile.flaw(), None, "{:?}", report.profile);
    let with = |change: fn(&mut Profile)| {
        let mut profile = Profile::default();
        change(&mut profile);
        profile.flaw()
    };
    assert_eq!(with(|_| {}), None);
    assert!(with(|profile| profile.imports = vec!["a\u{1b}[2J".to_owned()]).is_some());
    assert!(with(|profile| profile.imports = vec!["a".repeat(most::TEXT + 1)]).is_some());
    assert!(with(|profile| profile.imports = vec!["a".to_owned(); most::IMPORTS + 1]).is_some());
    let called = |profile: &mut Profile| {
        let act = Act {
            context: FindingContext::Call,
            ability: Ability::Spawn,
            from: Sources::NONE,
            line: 1,
            excerpt: String::new(),
        };
        profile.files = vec![CodeFile { path: "a".to_owned(), start: 1, rest: 1, units: 1, acts: vec![act] }];
    };
    assert!(with(called).is_some());
}
