//! One hostile tar for each refusal.

use bulkhead_core::Severity::{High, Low, Medium};

use super::make_tar::{Item, gzip, open_tar, sdist, tar};
use super::{SDIST, form, found, look, must_find};

fn file(data: &[u8]) -> Item {
    Item::file("demo-1.0/a.py", data)
}

#[test]
fn honest_forms_have_no_findings() {
    let long = format!("demo-1.0/{}/{}", "d".repeat(90), "f".repeat(80));
    for (what, items) in [
        ("files", vec![file(b"x"), Item::file("demo-1.0/empty", b""), Item::file("demo-1.0/big", &[3; 70_000])]),
        ("directories twice", vec![Item::new("demo-1.0/", b'5', b""), Item::new("demo-1.0", b'5', b"")]),
        ("a dot before everything", vec![Item::new("./", b'5', b""), Item::file("./demo-1.0/x", b"1")]),
        ("a pax path", vec![Item::pax(b'x', &[("path", &long), ("mtime", "1.5")]), file(b"x")]),
        ("a pax size that agrees", vec![Item::pax(b'x', &[("size", "3")]), file(b"abc")]),
        ("a GNU long name", vec![Item::long(b'L', &long), file(b"x")]),
        ("a ustar prefix", vec![Item { prefix: b"demo-1.0".to_vec(), ..Item::file("b.py", b"x") }]),
        ("the comment of git archive", vec![Item::pax(b'g', &[("comment", "0123456789abcdef")]), file(b"x")]),
        ("a V7 header", vec![Item { magic: [0; 8], kind: 0, ..file(b"x") }]),
        ("a V7 directory", vec![Item { magic: [0; 8], kind: 0, ..Item::file("demo-1.0/d/", b"") }]),
        ("a GNU header", vec![Item { magic: *b"ustar  \0", ..file(b"x") }]),
        (
            "links inside the tree",
            vec![
                file(b"x"),
                Item::link("demo-1.0/sub/link", b'2', "../a.py"),
                Item::link("demo-1.0/hard", b'1', "demo-1.0/a.py"),
                Item::link("demo-1.0/dangling", b'2', "nowhere"),
                Item::link("demo-1.0/top", b'2', "../demo-1.0/a.py"),
            ],
        ),
    ] {
        let report = look(&sdist(&items), SDIST);
        assert!(form(&report).is_empty(), "{what}: {:#?}", report.findings);
        assert!(report.readable, "{what}");
        assert_eq!(report.metadata.and_then(|m| m.name).as_deref(), Some("demo"), "{what}");
    }
}

#[test]
fn members_are_named_as_every_reader_names_them() {
    let long = format!("demo-1.0/{}", "n".repeat(150));
    let items = [
        Item::pax(b'x', &[("path", &long)]),
        Item::file("short", b"1"),
        Item::long(b'L', &format!("{long}2")),
        Item::file("short", b"22"),
        Item { prefix: b"demo-1.0/p".to_vec(), ..Item::file("q", b"333") },
    ];
    let members: Vec<(String, u64)> =
        look(&sdist(&items), SDIST).members.into_iter().map(|m| (m.path, m.size)).skip(1).collect();
    assert_eq!(members, [(long.clone(), 1), (format!("{long}2"), 2), ("demo-1.0/p/q".to_owned(), 3)]);
}

#[test]
fn every_lie_is_refused_by_its_name() {
    let lies: Vec<(&str, &str, Vec<Item>)> = vec![
        ("archive-path-escape", "an absolute path", vec![Item::file("/etc/x", b"")]),
        ("archive-path-escape", "a parent", vec![Item::file("demo-1.0/../../x", b"")]),
        ("archive-path-escape", "a parent in a pax path", vec![Item::pax(b'x', &[("path", "../x")]), file(b"")]),
        ("archive-path-odd", "a control character", vec![Item::file("demo-1.0/\u{7}", b"")]),
        ("archive-link-escape", "a link out", vec![Item::link("demo-1.0/l", b'2', "../../x")]),
        ("archive-link-escape", "an absolute link", vec![Item::link("demo-1.0/l", b'2', "/etc/passwd")]),
        ("archive-link-escape", "a hard link out", vec![Item::link("demo-1.0/l", b'1', "../x")]),
        (
            "archive-link-escape",
            "a long link out",
            vec![Item::long(b'K', "../../../x"), Item::link("demo-1.0/l", b'2', "a")],
        ),
        (
            "archive-link-escape",
            "a link out by way of another",
            vec![Item::link("demo-1.0/l", b'2', "."), Item::link("demo-1.0/m", b'2', "l/../../x")],
        ),
        (
            "archive-link-escape",
            "a file through a link",
            vec![Item::link("demo-1.0/l", b'2', "."), Item::file("demo-1.0/l/x", b"")],
        ),
        ("archive-special-file", "a device", vec![Item::new("demo-1.0/d", b'3', b"")]),
        ("archive-special-file", "a pipe", vec![Item::new("demo-1.0/d", b'6', b"")]),
        ("archive-special-file", "an unknown type", vec![Item::new("demo-1.0/d", b'Z', b"")]),
        ("archive-sparse", "a GNU sparse file", vec![Item::new("demo-1.0/s", b'S', b"")]),
        ("archive-sparse", "a pax sparse file", vec![Item::pax(b'x', &[("GNU.sparse.size", "9")]), file(b"x")]),
        ("archive-duplicate-member", "a path twice", vec![file(b"1"), file(b"2")]),
        ("archive-duplicate-member", "a file and a link", vec![file(b"1"), Item::link("demo-1.0/a.py", b'2', "b")]),
        // A reader that ignores the pax size takes the smuggled header for a member (as happened in real readers).
        (
            "archive-views-differ",
            "a pax size beside another size",
            vec![
                Item::pax(b'x', &[("size", "1024")]),
                Item { size: Some(0), ..file(&open_tar(&[Item::file("demo-1.0/smuggled.pth", b"import os")])) },
            ],
        ),
        ("archive-views-differ", "two pax paths", vec![Item::pax(b'x', &[("path", "a"), ("path", "b")]), file(b"")]),
        (
            "archive-views-differ",
            "two pax headers",
            vec![Item::pax(b'x', &[("path", "a")]), Item::pax(b'x', &[("path", "b")]), file(b"")],
        ),
        (
            "archive-views-differ",
            "a pax and a GNU name",
            vec![Item::pax(b'x', &[("path", "a")]), Item::long(b'L', "b"), file(b"")],
        ),
        (
            "archive-views-differ",
            "a directory with a size",
            vec![Item { size: Some(512), ..Item::new("demo-1.0/d", b'5', b"") }],
        ),
        (
            "archive-views-differ",
            "a prefix that is not ustar",
            vec![Item { magic: [0; 8], prefix: b"evil".to_vec(), ..file(b"") }],
        ),
        ("archive-pax-global", "a global path", vec![Item::pax(b'g', &[("path", "x")]), file(b"")]),
        ("archive-pax-global", "a global size", vec![Item::pax(b'g', &[("size", "9")]), file(b"")]),
        ("archive-checksum", "a wrong sum", vec![Item { sum_off_by: 1, ..file(b"x") }]),
        ("archive-corrupt", "a pax header that is none", vec![Item::new("h", b'x', b"99999 path=x\n"), file(b"")]),
        (
            "archive-hidden-data",
            "a directory with content",
            vec![Item { kind: 0, ..Item::file("demo-1.0/d/", b"hidden") }],
        ),
        ("archive-truncated", "more promised than there is", vec![Item { size: Some(1 << 20), ..file(b"x") }]),
    ];
    for (id, what, items) in lies {
        must_find(&look(&sdist(&items), SDIST), id, High, what);
    }
}

#[test]
fn what_surrounds_the_tar_is_judged() {
    let honest = tar(&[file(b"x")]);
    let other = tar(&[Item::file("demo-1.0/setup.py", b"evil")]);
    let packed = gzip(&honest);
    let mut wrong_crc = packed.clone();
    let at = wrong_crc.len() - 8;
    wrong_crc[at] ^= 1;
    let mut wrong_size = packed.clone();
    wrong_size[at + 4] ^= 1;
    let mut method = packed.clone();
    method[2] = 7;
    for (id, what, bytes) in [
        ("archive-multi-stream", "a second gzip stream", [packed.clone(), gzip(&other)].concat()),
        ("archive-trailing-data", "bytes after gzip", [packed.clone(), b"more".to_vec()].concat()),
        ("archive-trailing-data", "zeros after gzip", [packed.clone(), vec![0; 600]].concat()),
        ("archive-trailing-data", "a tar after the tar", gzip(&[honest.clone(), other].concat())),
        ("archive-truncated", "no end blocks", gzip(&open_tar(&[file(b"x")]))),
        ("archive-checksum", "a wrong CRC", wrong_crc),
        ("archive-checksum", "a wrong size", wrong_size),
        ("archive-corrupt", "another method", method),
        ("unreadable-archive", "no gzip", honest),
    ] {
        must_find(&look(&bytes, SDIST), id, High, what);
    }
    for len in 0..packed.len() {
        let report = look(&packed[..len], SDIST);
        assert!(report.findings.iter().any(|f| f.severity >= High), "cut to {len} bytes: {:?}", report.findings);
        assert!(!report.readable);
    }
}

#[test]
fn softer_findings_are_soft() {
    let same = look(&sdist(&[file(b"1"), file(b"1")]), SDIST);
    assert_eq!(found(&same, "archive-duplicate-member").map(|f| f.severity), Some(Low));
    let pth = look(&sdist(&[Item::file("demo-1.0/src/x.pth", b"import os\n")]), SDIST);
    assert_eq!(found(&pth, "executable-pth").map(|f| f.severity), Some(Medium));
    let nameless = look(&gzip(&tar(&[file(b"x")])), SDIST);
    assert_eq!(found(&nameless, "name-mismatch").map(|f| f.severity), Some(Low));
}
