//! Archives that are still arriving: the report is the one of the whole file, whatever the order of the bytes says, and most of
//! the work is done before the last byte.

use std::cell::RefCell;
use std::io;
use std::path::Path;

use super::make_tar::{Item, gzip, tar};
use super::make_zip::{File, wheel_named};
use super::{SDIST, WHEEL};
use crate::{Limits, ReadAt, Report, inspect};

/// Bytes that come in pieces: what is not there is asked for, and noted.
struct Arriving<'a> {
    bytes: &'a [u8],
    piece: usize,
    asked: RefCell<Vec<u64>>,
}

impl ReadAt for Arriving<'_> {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn is_arriving(&self) -> bool {
        true
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.asked.borrow_mut().push(offset);
        let most = into.len().min(self.piece);
        self.bytes.read_at(offset, &mut into[..most])
    }
}

fn arriving(bytes: &[u8], name: &str) -> (Report, Vec<u64>) {
    let source = Arriving { bytes, piece: 1_000, asked: RefCell::default() };
    let report = inspect(&source, name, &Limits::default());
    (report, source.asked.into_inner())
}

#[test]
fn hostile_and_broken_archives_are_judged_as_when_they_are_whole() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut seen = 0;
    for (folder, name) in [("zip", WHEEL), ("tar", SDIST)] {
        for entry in std::fs::read_dir(corpus.join(folder)).expect("the corpus").flatten() {
            let bytes = std::fs::read(entry.path()).expect("a file of the corpus");
            let whole = inspect(&bytes, name, &Limits::default());
            assert_eq!(arriving(&bytes, name).0, whole, "{}", entry.path().display());
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

/// The walk over local headers reads a member that the directory does not know, and misses one that it cannot follow.
#[test]
fn what_the_first_walk_gets_wrong_changes_nothing() {
    let bad = b"import base64\nexec(base64.b64decode('cGFzcw=='))\n".as_slice();
    let mut files =
        vec![File::new("demo/a.py", bad), File::new("demo/b.py", b"VALUE = 1\n"), File::new("demo/c.py", bad)];
    files[1].descriptor = Some(None);
    let good = wheel_named("demo", "1.0", files).bytes();
    let whole = inspect(&good, WHEEL, &Limits::default());
    assert!(whole.readable && whole.findings.iter().any(|found| found.detector == "decoded-execution"), "{whole:#?}");
    assert_eq!(arriving(&good, WHEEL).0, whole);
    // The same with one byte of the code changed where only the walk trusts the header.
    for at in (0..good.len()).step_by(7) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x20;
        assert_eq!(arriving(&bytes, WHEEL).0, inspect(&bytes, WHEEL, &Limits::default()), "byte {at}");
    }
}

#[test]
fn code_is_read_before_the_directory_of_a_zip_is_there() {
    let code: Vec<String> = (0..40).map(|at| format!("VALUE = {at}\n{}", noise(at, 3_000))).collect();
    let names: Vec<String> = (0..40).map(|at| format!("demo/m{at}.py")).collect();
    let files = names.iter().zip(&code).map(|(name, code)| File::new(name, code.as_bytes())).collect();
    let bytes = wheel_named("demo", "1.0", files).bytes();
    let (report, asked) = arriving(&bytes, WHEEL);
    assert!(report.readable);
    let first_at_end = asked.iter().position(|at| *at + 2_000 > bytes.len() as u64).expect("the directory is read");
    let before = asked[..first_at_end].iter().max().expect("something was read before");
    assert!(*before > bytes.len() as u64 / 2, "the members are walked first: {before} of {}", bytes.len());
}

#[test]
fn a_tar_is_read_from_front_to_back() {
    let code: Vec<String> = (0..40).map(|at| noise(at, 3_000)).collect();
    let names: Vec<String> = (0..40).map(|at| format!("demo-1.0/demo/m{at}.py")).collect();
    let items: Vec<Item> = names.iter().zip(&code).map(|(name, code)| Item::file(name, code.as_bytes())).collect();
    let (_, asked) = arriving(&gzip(&tar(&items)), SDIST);
    assert!(asked.is_sorted(), "{asked:?}");
}

/// A comment that does not shrink.
fn noise(seed: u32, len: usize) -> String {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut text = String::from("#");
    while text.len() < len {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push(char::from(b'a' + u8::try_from(state >> 24).unwrap_or_default() % 26));
    }
    text.push('\n');
    text
}
