//! One hostile zip for each refusal.

use bulkhead_core::Severity::{Critical, High, Low, Medium};

use super::make_zip::{File, Zip, crc32, deflate, extra, unicode_path, wheel};
use super::{WHEEL, form, found, look, must_find};

const INIT: &str = "demo/__init__.py";

fn honest() -> Zip {
    wheel(&[(INIT, b"print('hello hello hello')\n"), ("demo/data.bin", &[7; 300])])
}

#[test]
fn an_honest_wheel_has_no_findings() {
    let report = look(&honest().bytes(), WHEEL);
    assert!(report.readable);
    assert_eq!(report.findings, []);
    assert_eq!(report.members.len(), 5);
    let metadata = report.metadata.expect("metadata");
    assert_eq!((metadata.name.as_deref(), metadata.version.as_deref()), (Some("demo"), Some("1.0")));
    assert_eq!(metadata.requires_python.as_deref(), Some(">=3.9"));
}

#[test]
fn honest_variants_have_no_findings() {
    let mut descriptors = honest();
    descriptors.files.iter_mut().for_each(|file| file.descriptor = Some(None));
    let mut stored = honest();
    stored.files.iter_mut().for_each(|file| file.method = 0);
    let mut directories = honest();
    directories.files.insert(0, File { mode: 0o040_755, method: 0, ..File::new("demo/", b"") });
    let mut zip64_member = honest();
    let file = zip64_member.file(INIT);
    let sizes =
        |file: &File| [(file.data.len() as u64).to_le_bytes(), (deflate(&file.data).len() as u64).to_le_bytes()];
    file.local_extra = extra(1, &sizes(file).concat());
    for (what, zip) in [
        ("descriptors", descriptors),
        ("stored", stored),
        ("a directory", directories),
        ("a comment", Zip { comment: b"made by a test".to_vec(), ..honest() }),
        ("zip64 records", Zip { zip64: Some(None), ..honest() }),
        ("zip64 sizes beside right ones", zip64_member),
        ("a directory in another order", Zip { reversed: true, ..honest() }),
        ("a non-ASCII name", wheel(&[("demo/ünï.py", b"")])),
    ] {
        let report = look(&zip.bytes(), WHEEL);
        assert!(form(&report).is_empty(), "{what}: {:#?}", report.findings);
        assert!(report.readable, "{what}");
    }
}

/// The current real litellm wheel has these four bytes inside a compressed stream; counting them is how other tools fail.
#[test]
fn chance_marks_inside_data_are_not_records() {
    let mut data = vec![b'x'; 40];
    for mark in [b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04", b"PK\x06\x06", b"PK\x06\x07"] {
        data.extend_from_slice(mark);
        data.extend([0; 40]);
    }
    let mut zip = wheel(&[("demo/data.bin", &data)]);
    zip.file("demo/data.bin").method = 0;
    assert_eq!(look(&zip.bytes(), WHEEL).findings, []);
    // A whole zip as a stored member is data as well.
    let inner = honest().bytes();
    let mut zip = wheel(&[("demo/inner.zip", &inner)]);
    zip.file("demo/inner.zip").method = 0;
    let found = look(&zip.bytes(), WHEEL).findings;
    let [found] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((found.detector.as_str(), found.severity), ("unread-code", Low));
}

type Lie = fn(&mut Zip);

const LIES: &[(&str, &str, Lie)] = &[
    ("archive-views-differ", "another local name", |z| z.file(INIT).local_name = Some(b"demo/__init__.pY".to_vec())),
    ("archive-views-differ", "another local method", |z| z.file(INIT).local_method = Some(0)),
    ("archive-views-differ", "another local flag", |z| z.file(INIT).local_flags = Some(1 << 11)),
    ("archive-views-differ", "another local CRC", |z| z.file(INIT).local_crc = Some(1)),
    ("archive-views-differ", "another local size", |z| z.file(INIT).local_size = Some(1)),
    ("archive-views-differ", "another CRC in the descriptor", |z| z.file(INIT).descriptor = Some(Some(1))),
    ("archive-views-differ", "a promised descriptor that is missing", |z| {
        z.file(INIT).flags = 1 << 3;
    }),
    ("archive-views-differ", "a stored member of unknown length", |z| {
        let file = z.file(INIT);
        (file.method, file.descriptor) = (0, Some(None));
    }),
    ("archive-views-differ", "another Unicode path, in the directory", |z| {
        z.file(INIT).extra = unicode_path(INIT.as_bytes(), "demo/other.py");
    }),
    ("archive-views-differ", "another Unicode path, in the local header", |z| {
        z.file(INIT).local_extra = unicode_path(INIT.as_bytes(), "demo/other.py");
    }),
    ("archive-views-differ", "a zip64 field with another size", |z| z.file(INIT).extra = extra(1, &[9; 16])),
    ("archive-views-differ", "a zip64 field without the number it stands for", |z| z.file(INIT).size = Some(u32::MAX)),
    ("archive-views-differ", "a symbolic link", |z| z.file(INIT).mode = 0o120_777),
    ("archive-views-differ", "too few entries in the end record", |z| z.entries = Some(2)),
    ("archive-views-differ", "too many entries in the end record", |z| z.entries = Some(9)),
    ("archive-views-differ", "other entries in the zip64 record", |z| z.zip64 = Some(Some(2))),
    ("archive-views-differ", "no local header at the offset", |z| z.file("demo/data.bin").offset = Some(3)),
    ("archive-ambiguous-end", "an end record in the comment", |z| {
        z.comment = [b"PK\x05\x06".as_slice(), &[0; 40]].concat();
    }),
    ("archive-ambiguous-end", "two fitting end records", |z| {
        let mut fake = b"PK\x05\x06".to_vec();
        fake.extend([0; 16]);
        // Its comment is everything that follows: the true end record, and nothing else.
        fake.extend(22_u16.to_le_bytes());
        z.after_directory = fake;
    }),
    ("archive-overlap", "one member twice in the directory", |z| z.file("demo/data.bin").offset = Some(0)),
    ("archive-overlap", "a member that reaches into the next", |z| z.file(INIT).packed_size = Some(500)),
    ("archive-hidden-data", "bytes between members", |z| z.file("demo/data.bin").before = b"hidden".to_vec()),
    ("archive-hidden-data", "a member that the directory does not list", |z| {
        let hidden = Zip { files: vec![File::new("evil.pth", b"import os")], ..Zip::default() }.bytes();
        z.before_directory = hidden[..60].to_vec();
    }),
    ("archive-hidden-data", "bytes after the compressed stream", |z| {
        let file = z.file(INIT);
        file.packed = Some([deflate(&file.data), b"hidden".to_vec()].concat());
    }),
    ("archive-hidden-data", "a directory with content", |z| {
        z.files.insert(0, File { method: 0, ..File::new("demo/", b"hidden") });
    }),
    ("archive-leading-data", "a program before the archive", |z| z.files[0].before = b"#!/bin/sh\n".to_vec()),
    ("archive-trailing-data", "a comment that is longer than it says", |z| {
        (z.comment, z.comment_len) = (b"long".to_vec(), Some(0));
    }),
    ("archive-trailing-data", "a comment that is shorter than it says", |z| z.comment_len = Some(7)),
    ("archive-truncated", "a compressed stream without its end", |z| {
        let file = z.file(INIT);
        let whole = deflate(&file.data);
        file.packed = Some(whole[..whole.len() - 3].to_vec());
    }),
    ("archive-truncated", "less content than declared", |z| {
        let file = z.file(INIT);
        file.size = Some(file.data.len() as u32 + 1);
    }),
    ("archive-corrupt", "more content than declared", |z| z.file(INIT).size = Some(3)),
    ("archive-corrupt", "a stream that is not deflate", |z| z.file(INIT).packed = Some(vec![0xff; 20])),
    ("archive-corrupt", "an extra field that is too long", |z| z.file(INIT).extra = vec![1, 2, 0xff, 0xff]),
    ("archive-checksum", "a wrong CRC", |z| z.file(INIT).crc = Some(crc32(b"other"))),
    ("archive-encrypted", "an encrypted member", |z| z.file(INIT).flags = 1),
    ("archive-method", "a bzip2 member", |z| z.file(INIT).method = 12),
    ("archive-multi-disk", "a second disk", |z| z.disk = 1),
    ("archive-multi-disk", "a member on a second disk", |z| z.file(INIT).disk = 1),
    ("archive-special-file", "a pipe", |z| z.file(INIT).mode = 0o010_644),
    ("archive-path-escape", "an absolute path", |z| z.files.push(File::new("/etc/cron.d/x", b""))),
    ("archive-path-escape", "a parent", |z| z.files.push(File::new("demo/../../x.pth", b""))),
    ("archive-path-escape", "a drive", |z| z.files.push(File::new("C:\\x", b""))),
    ("archive-path-odd", "a backslash", |z| z.files.push(File::new("demo\\x.py", b""))),
    ("archive-path-odd", "NUL", |z| z.files.push(File::new("demo/x.py\0.txt", b""))),
    ("archive-path-odd", "a name that is not UTF-8", |z| {
        z.files.push(File { name: b"demo/\xff".to_vec(), flags: 1 << 11, ..File::new("", b"") });
    }),
    ("archive-path-odd", "a name in an unknown character set", |z| {
        z.files.push(File { flags: 0, ..File::new("ü", b"") })
    }),
    ("archive-path-odd", "no name", |z| z.files.push(File::new("", b""))),
    ("archive-duplicate-member", "a path twice", |z| z.files.push(File::new(INIT, b"other"))),
    ("archive-duplicate-member", "a path twice, spelled differently", |z| {
        z.files.push(File::new("./demo//__init__.py", b"other"))
    }),
    ("archive-duplicate-member", "a file where a directory is needed", |z| {
        z.files.push(File::new("demo/data.bin/x", b""))
    }),
    ("record-mismatch", "a file that RECORD does not list", |z| z.files.push(File::new("demo/new.py", b""))),
    ("record-mismatch", "a changed file", |z| z.file(INIT).data = b"changed".to_vec()),
    ("record-mismatch", "no RECORD", |z| z.files.retain(|f| !f.name.ends_with(b"RECORD"))),
    ("name-mismatch", "no METADATA", |z| z.files.retain(|f| !f.name.ends_with(b"METADATA"))),
    ("name-mismatch", "two .dist-info directories", |z| {
        z.files.push(File::new("other-1.0.dist-info/METADATA", b"Name: other\n"))
    }),
];

#[test]
fn every_lie_is_refused_by_its_name() {
    for (id, what, lie) in LIES {
        let mut zip = honest();
        lie(&mut zip);
        must_find(&look(&zip.bytes(), WHEEL), id, High, what);
    }
}

#[test]
fn what_is_no_zip_is_unreadable() {
    for bytes in [&b""[..], b"PK", b"PK\x03\x04", &[0; 4000], b"\x1f\x8b\x08\0\0\0\0\0\0\0"] {
        let report = look(bytes, WHEEL);
        must_find(&report, "unreadable-archive", High, "no zip");
        assert!(!report.readable && report.metadata.is_none());
    }
    for name in ["demo-1.0.tar.bz2", "demo-1.0.exe", "", "demo"] {
        let report = look(&honest().bytes(), name);
        must_find(&report, "unreadable-archive", High, name);
        assert!(!report.readable);
    }
    let whole = honest().bytes();
    for len in 0..whole.len() {
        let report = look(&whole[..len], WHEEL);
        assert!(report.findings.iter().any(|f| f.severity >= High), "cut to {len} bytes: {:?}", report.findings);
    }
}

#[test]
fn softer_findings_are_soft() {
    let collision = look(&wheel(&[("demo/a.py", b"1"), ("demo/A.py", b"2")]).bytes(), WHEEL);
    assert_eq!(found(&collision, "archive-duplicate-member").map(|f| f.severity), Some(Medium));
    let composed = look(&wheel(&[("demo/\u{e9}.py", b"1"), ("demo/e\u{301}.py", b"2")]).bytes(), WHEEL);
    assert_eq!(found(&composed, "archive-duplicate-member").map(|f| f.severity), Some(Medium));
    let mut twice = honest();
    twice.files.push(twice.files[0].clone());
    assert_eq!(found(&look(&twice.bytes(), WHEEL), "archive-duplicate-member").map(|f| f.severity), Some(Low));
}

#[test]
fn a_hash_that_differs_is_critical() {
    let mut zip = honest();
    zip.file(INIT).data = b"changed".to_vec();
    must_find(&look(&zip.bytes(), WHEEL), "record-mismatch", Critical, "a changed file");
}

#[test]
fn many_findings_of_one_kind_are_counted_not_listed() {
    let mut zip = honest();
    for index in 0..300 {
        zip.files.push(File::new(&format!("demo/new{index}.py"), b""));
    }
    let report = look(&zip.bytes(), WHEEL);
    assert!(report.findings.len() <= 20, "{}", report.findings.len());
    assert!(report.findings.iter().any(|finding| finding.title.contains("280 more")));
}
