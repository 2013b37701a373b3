//! Random honest archives are read back as they were written, and have no findings.

use aws_lc_rs::digest;
use bulkhead_core::Sha256;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::make_tar::{Item, sdist};
use super::make_zip::{File, wheel_named};
use super::{SDIST, WHEEL, form, look};
use crate::Member;

fn member(path: &str, data: &[u8]) -> Member {
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    Member { path: path.to_owned(), size: data.len() as u64, sha256: Sha256::from_bytes(sha256) }
}

fn files() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    // Lower case and one extension (of data: random bytes are no code), so that no path is another's directory or its spelling on another system.
    btree_map("demo/([a-z0-9_]{1,8}/){0,3}[a-zäß€, \"']{1,12}\\.dat", vec(any::<u8>(), 0..3000), 0..12)
        .prop_map(|files| files.into_iter().collect())
}

/// What is wrong with the archive as such. The members hold random bytes, which are no code.
fn of_the_archive(report: &crate::Report) -> Vec<&bulkhead_core::Finding> {
    let archive = |finding: &&bulkhead_core::Finding| finding.context == bulkhead_core::FindingContext::Archive;
    form(report).into_iter().filter(archive).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_wheel_is_read_back(files in files(), shapes in vec((any::<bool>(), any::<bool>()), 12), zip64: bool, reversed: bool) {
        let members = files.iter().zip(&shapes).map(|((name, data), (stored, descriptor))| {
            let mut file = File::new(name, data);
            if *stored {
                file.method = 0;
            } else if *descriptor {
                file.descriptor = Some(None);
            }
            file
        });
        let mut zip = wheel_named("demo", "1.0", members.collect());
        zip.zip64 = zip64.then_some(None);
        zip.reversed = reversed;
        let report = look(&zip.bytes(), WHEEL);
        prop_assert_eq!(of_the_archive(&report), Vec::<&bulkhead_core::Finding>::new());
        prop_assert!(report.readable);
        let expected: Vec<Member> =
            zip.files.iter().map(|f| member(&String::from_utf8_lossy(&f.name), &f.data)).collect();
        prop_assert_eq!(report.members, expected);
    }

    #[test]
    fn a_source_distribution_is_read_back(files in files(), shapes in vec(0..3_u8, 12)) {
        let mut items = Vec::new();
        for ((name, data), shape) in files.iter().zip(&shapes) {
            match shape {
                0 => items.push(Item::pax(b'x', &[("path", name)])),
                1 => items.push(Item::long(b'L', name)),
                _ => {}
            }
            items.push(Item::file(name, data));
        }
        let report = look(&sdist(&items), SDIST);
        prop_assert_eq!(of_the_archive(&report), Vec::<&bulkhead_core::Finding>::new());
        let expected: Vec<Member> = files.iter().map(|(name, data)| member(name, data)).collect();
        prop_assert_eq!(&report.members[1..], expected);
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..600)) {
        for name in [WHEEL, SDIST, "demo-1.0.zip", "demo-1.0-py3.egg"] {
            let report = look(&bytes, name);
            prop_assert!(!report.readable && !report.findings.is_empty());
        }
    }
}
