//! Any single changed byte either is seen or changes nothing.

use super::make_tar::{Item, sdist};
use super::make_zip::wheel;
use super::{SDIST, WHEEL, look};

/// Changes every byte in several ways. A report without findings must have the content of the honest archive.
fn every_byte(bytes: &[u8], name: &str) {
    let honest = look(bytes, name);
    assert_eq!(honest.findings, []);
    let mut changed = bytes.to_vec();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x02, 0x10, 0x20, 0x80, 0xff] {
            changed[at] = bytes[at] ^ flip;
            let report = look(&changed, name);
            assert!(report.readable || !report.findings.is_empty(), "silence at byte {at} ^ {flip:#x}");
            if report.findings.is_empty() {
                assert_eq!(report.members, honest.members, "byte {at} ^ {flip:#x}");
                assert_eq!(report.metadata, honest.metadata, "byte {at} ^ {flip:#x}");
            }
        }
        changed[at] = bytes[at];
    }
}

#[test]
fn a_changed_byte_in_a_wheel_is_seen() {
    let mut zip = wheel(&[("demo/__init__.py", b"print('hello hello hello')\n"), ("demo/\u{e9}", b"x")]);
    zip.files[0].descriptor = Some(None);
    zip.files[1].method = 0;
    every_byte(&zip.bytes(), WHEEL);
    zip.zip64 = Some(None);
    zip.comment = b"c".to_vec();
    every_byte(&zip.bytes(), WHEEL);
}

#[test]
fn a_changed_byte_in_a_source_distribution_is_seen() {
    let items = [
        Item::file("demo-1.0/a.py", b"print('hello hello hello')\n"),
        Item::pax(b'x', &[("path", "demo-1.0/b.py")]),
        Item::file("short", b"x"),
        Item::link("demo-1.0/l", b'2', "a.py"),
    ];
    every_byte(&sdist(&items), SDIST);
}
