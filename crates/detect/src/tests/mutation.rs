//! Any single changed byte either is seen or changes nothing.

use super::make_tar::{Item, sdist, set_sum, tar};
use super::make_zip::wheel;
use super::{SDIST, WHEEL, form, look};
use crate::fuzz;

/// A checksum keeps the test above from the depths of the tar reader: this one changes what is inside.
#[test]
fn a_changed_byte_inside_a_tar_is_survived() {
    let items = [
        Item::pax(b'x', &[("path", "demo-1.0/b.py"), ("size", "1")]),
        Item::long(b'K', "a.py"),
        Item::file("short", b"x"),
    ];
    let honest = tar(&items);
    let mut changed = honest.clone();
    for at in 0..honest.len() - 1024 {
        for byte in [0, b'0', b'9', 0x80, 0xff] {
            changed[at] = byte;
            // With the sum as it should be, so that the header is read on, and then as it is.
            let block = at / 512 * 512;
            if honest[block + 257..].starts_with(b"ustar") && !(148..156).contains(&(at - block)) {
                set_sum(&mut changed[block..block + 512]);
            }
            fuzz::tar(&changed);
        }
        changed.copy_from_slice(&honest);
    }
}

/// Changes every byte in several ways. A report without findings must have the content of the honest archive.
fn every_byte(bytes: &[u8], name: &str) {
    let honest = look(bytes, name);
    assert!(form(&honest).is_empty(), "{:#?}", honest.findings);
    let mut changed = bytes.to_vec();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x02, 0x10, 0x20, 0x80, 0xff] {
            changed[at] = bytes[at] ^ flip;
            let report = look(&changed, name);
            assert!(report.readable || !form(&report).is_empty(), "silence at byte {at} ^ {flip:#x}");
            if form(&report).is_empty() {
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
