//! The limits hold: what passes them is a finding, and reading stops.

use bulkhead_core::Severity::High;

use super::make_tar::{Item, sdist};
use super::make_zip::{File, wheel};
use super::{SDIST, WHEEL, must_find};
use crate::{Limits, inspect};

fn tight() -> Limits {
    Limits {
        ratio_floor: 1 << 16,
        ratio: 50,
        total_bytes: 1 << 20,
        member_bytes: 1 << 19,
        members: 20,
        ..Limits::default()
    }
}

#[test]
fn bombs_are_refused_by_ratio_total_member_and_count() {
    let zeros = vec![0; 300_000];
    let noise: Vec<u8> = (0..600_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let many: Vec<(String, Vec<u8>)> = (0..40).map(|i| (format!("demo/{i}"), vec![])).collect();
    let count: Vec<(&str, &[u8])> = many.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect();
    let halves: Vec<(&str, &[u8])> =
        vec![("demo/a", &noise[..400_000]), ("demo/b", &noise[..400_000]), ("demo/c", &noise[..400_000])];
    for (what, files) in [
        ("ratio", vec![("demo/zeros", zeros.as_slice())]),
        ("member", vec![("demo/noise", &noise[..700_000])]),
        ("total", halves),
        ("count", count),
    ] {
        let bytes = wheel(&files).bytes();
        let report = inspect(&bytes, WHEEL, &tight());
        must_find(&report, "archive-bomb", High, what);
        assert!(!report.readable && report.unpacked_size <= 1 << 20);
        let items: Vec<Item> = files.iter().map(|(name, data)| Item::file(name, data)).collect();
        let report = inspect(&sdist(&items), SDIST, &tight());
        must_find(&report, "archive-bomb", High, what);
        assert!(!report.readable && report.unpacked_size <= 1 << 20);
        assert!(report.members.len() <= 20);
    }
}

#[test]
fn endless_headers_without_members_end() {
    let items = vec![Item::pax(b'g', &[("comment", "x")]); 50];
    must_find(&inspect(&sdist(&items), SDIST, &tight()), "archive-bomb", High, "headers");
}

#[test]
fn paths_and_record_lines_have_a_budget() {
    let name = "n".repeat(60_000);
    let items: Vec<Item> =
        (0..15).flat_map(|i| [Item::long(b'L', &format!("demo-1.0/{i}/{name}")), Item::file("x", b"")]).collect();
    let limits = Limits { directory_bytes: 500_000, ..Limits::default() };
    must_find(&inspect(&sdist(&items), SDIST, &limits), "archive-bomb", High, "paths");
    let long = Item::long(b'L', &"n".repeat(70_000));
    must_find(
        &inspect(&sdist(&[long, Item::file("x", b"")]), SDIST, &Limits::default()),
        "archive-corrupt",
        High,
        "a path",
    );
    let bytes = wheel(&[("demo-1.0.dist-info/RECORD", &b"a\n".repeat(100_000))]).bytes();
    must_find(&inspect(&bytes, WHEEL, &Limits::default()), "record-mismatch", High, "lines");
}

#[test]
fn a_large_directory_is_refused_before_it_is_read() {
    let mut zip = wheel(&[]);
    zip.files.extend((0..10).map(|i| File { extra: vec![0; 60_000], ..File::new(&format!("demo/{i}"), b"") }));
    let limits = Limits { directory_bytes: 100_000, ..Limits::default() };
    must_find(&inspect(&zip.bytes(), WHEEL, &limits), "archive-bomb", High, "directory");
}

#[test]
fn a_file_that_a_detector_cannot_hold_is_a_finding() {
    let long = [b"x".repeat(5000), b"\nimport os\n".to_vec()].concat();
    let bytes = wheel(&[("demo.pth", &long)]).bytes();
    let limits = Limits { kept_member_bytes: 4096, ..Limits::default() };
    must_find(&inspect(&bytes, WHEEL, &limits), "member-not-read", High, "a long .pth");
    must_find(&inspect(&bytes, WHEEL, &Limits::default()), "executable-pth", High, "the same within limits");
    // Model weights have the same extension, are large and lie below a package: nobody asks for them.
    let bytes = wheel(&[("demo/weights.pth", &long)]).bytes();
    assert_eq!(inspect(&bytes, WHEEL, &limits).findings, []);
}

/// A zip with so many empty members, as a writer that keeps to the format makes it: 64-bit end records, one name of eight digits each.
fn crowded(count: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(count as usize * 92 + 200);
    let mut directory = Vec::with_capacity(count as usize * 54);
    for number in 0..count {
        let name = format!("{number:08}");
        let at = u32::try_from(out.len()).expect("below 4 GiB");
        out.extend_from_slice(b"PK\x03\x04\x0a\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0");
        out.extend_from_slice(name.as_bytes());
        directory.extend_from_slice(
            b"PK\x01\x02\x0a\x03\x0a\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\xa4\x81",
        );
        directory.extend_from_slice(&at.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let start = out.len() as u64;
    out.extend_from_slice(&directory);
    let end = out.len() as u64;
    out.extend_from_slice(b"PK\x06\x06");
    out.extend_from_slice(&44_u64.to_le_bytes());
    out.extend_from_slice(&[45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for field in [u64::from(count), u64::from(count), directory.len() as u64, start] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    out.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    out.extend_from_slice(&end.to_le_bytes());
    out.extend_from_slice(&1_u32.to_le_bytes());
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
    out
}

#[test]
fn a_million_tiny_files_are_refused_by_their_number() {
    let few = inspect(&crowded(3_000), WHEEL, &Limits::default());
    assert_eq!(few.member_count, 3_000, "{:#?}", few.findings);
    assert!(few.findings.iter().all(|finding| finding.detector != "archive-bomb"), "{:#?}", few.findings);
    let start = std::time::Instant::now();
    let report = inspect(&crowded(1_000_000), WHEEL, &Limits::default());
    must_find(&report, "archive-bomb", High, "a million files");
    assert!(!report.readable && report.members.len() <= 200_000);
    assert!(start.elapsed() < std::time::Duration::from_secs(120), "it took {:?}", start.elapsed());
}

#[test]
fn archives_inside_archives_are_members_like_any_other() {
    // Forty deep: nothing unpacks what it was not asked to unpack, so depth costs nothing.
    let mut inner = b"x".to_vec();
    for depth in 0..40 {
        inner = wheel(&[("demo/inner.whl", &inner)]).bytes();
        assert!(inner.len() < 1 << 20, "{depth}");
    }
    let report = inspect(&inner, WHEEL, &Limits::default());
    assert!(report.readable && report.member_count < 10, "{:#?}", report.findings);
    let mut locked = wheel(&[("demo/x.py", b"pass")]);
    locked.file("demo/x.py").flags = 1;
    let report = inspect(&wheel(&[("demo/inner.zip", &locked.bytes())]).bytes(), WHEEL, &Limits::default());
    assert!(report.readable, "{:#?}", report.findings);
    must_find(&inspect(&locked.bytes(), WHEEL, &Limits::default()), "archive-encrypted", High, "an encrypted member");
}
