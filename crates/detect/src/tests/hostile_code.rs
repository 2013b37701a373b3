//! Code that is made to cost more than it should: the archive is judged all the same, within bounds.

use std::time::{Duration, Instant};

use bulkhead_core::Severity;

use super::make_tar::{Item, gzip, tar};
use super::make_zip::wheel;
use super::{WHEEL, found, look, look_local, must_find};

const NPM: &str = "demo-1.0.0.tgz";

/// The bound is far above what a debug build on a busy machine needs, and far below what anything quadratic would.
const LONG: Duration = Duration::from_secs(120);

#[track_caller]
fn survives(files: &[(&str, &[u8])], what: &str) -> crate::Report {
    let mut items: Vec<Item> = files.iter().map(|(path, content)| Item::file(path, content)).collect();
    items.push(Item::file("package/package.json", br#"{"scripts":{"postinstall":"node a.js"},"main":"a.js"}"#));
    let start = Instant::now();
    let report = look_local(&gzip(&tar(&items)), NPM);
    assert!(start.elapsed() < LONG, "{what} took {:?}", start.elapsed());
    report
}

#[test]
fn a_line_of_many_megabytes_is_not_read_and_that_is_said() {
    // 100 MB packed tightly would be refused as a bomb before: what varies is not.
    let line: Vec<u8> =
        (0..12_000_000_u32).flat_map(|i| [b'a' + (i.wrapping_mul(2_654_435_761) >> 27) as u8 % 26]).collect();
    let report = survives(&[("package/a.js", &line)], "a line");
    let found = report
        .findings
        .iter()
        .find(|finding| finding.detector == "install-script" && finding.title.contains("too large"));
    assert!(found.is_some(), "{:#?}", report.findings);
}

#[test]
fn a_line_of_a_hundred_megabytes_that_is_not_packed_is_not_read_either() {
    use std::io::Write as _;
    let mut file = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::none());
    let line = b"var a=1;".repeat(100 * (1 << 20) / 8);
    let items = [
        Item::file("package/package.json", br#"{"scripts":{"postinstall":"node a.js"}}"#),
        Item::file("package/a.js", &line),
    ];
    file.write_all(&tar(&items)).expect("memory");
    let bytes = file.finish().expect("memory");
    let start = Instant::now();
    let report = look_local(&bytes, NPM);
    assert!(start.elapsed() < LONG, "it took {:?}", start.elapsed());
    assert!(report.unpacked_size > 100_000_000);
    assert!(report.findings.iter().any(|finding| finding.title.contains("too large")), "{:#?}", report.findings);
}

#[test]
fn brackets_bytes_and_tiny_files_end() {
    let deep = "([{".repeat(300_000);
    survives(&[("package/a.js", deep.as_bytes())], "brackets");
    let report = survives(&[("package/a.js", &[0xff, 0xfe, 0x80, b'(', 0xc3, 0x28].repeat(10_000))], "bytes");
    assert!(report.readable);
    let names: Vec<String> = (0..5_000).map(|i| format!("package/f{i}.js")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"require('./f1')"[..])).collect();
    assert!(survives(&many, "tiny files").readable);
}

#[test]
fn modules_that_import_each_other_are_visited_once() {
    let a = b"require('./b'); module.exports = () => require('child_process').exec('x')";
    assert!(survives(&[("package/a.js", a), ("package/b.js", b"require('./a')()")], "a circle").readable);
}

/// A zip archive is read from its end and Python from its start: one file can be both, and Python runs the archive.
#[test]
fn a_module_that_is_a_zip_as_well_is_named() {
    let mut both = b"VALUE = 1\n".to_vec();
    both.extend(wheel(&[("__main__.py", b"import os\nos.system('true')\n")]).bytes());
    let report = look(&wheel(&[("demo/tool.py", &both)]).bytes(), WHEEL);
    assert!(
        found(&report, "polyglot-file").is_some() || found(&report, "code-not-parsed").is_some(),
        "{:#?}",
        report.findings
    );
    let plain = look(&wheel(&[("demo/tool.py", b"import os\nVALUE = os.name.upper()\n")]).bytes(), WHEEL);
    assert_eq!(plain.findings, []);
}

#[test]
fn source_in_utf_16_is_read() {
    let text = "import base64\nexec(base64.b64decode('cGFzcw=='))\n";
    for (mark, bytes) in [
        ([0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        ([0xfe, 0xff], text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ] {
        let source = [mark.as_slice(), &bytes].concat();
        let report = look(&wheel(&[("demo/__init__.py", &source)]).bytes(), WHEEL);
        must_find(&report, "decoded-execution", Severity::Critical, "a byte-order mark");
    }
}
