//! What the fuzz targets in `fuzz/` and the corpus test run: one function for each kind of hostile input. Each panics when
//! an invariant is broken.

use crate::lang::{self, Callee, View};
use crate::limits::Limits;
use crate::report::Report;
use crate::{csv, detectors, inspect, metadata};

/// Small limits, so that a run is fast and the limits are reached.
fn limits() -> Limits {
    Limits {
        members: 500,
        member_bytes: 1 << 20,
        total_bytes: 4 << 20,
        ratio: 200,
        ratio_floor: 1 << 20,
        directory_bytes: 1 << 20,
        kept_bytes: 1 << 20,
        kept_member_bytes: 1 << 18,
    }
}

fn archive(bytes: &[u8], file_name: &str) {
    let limits = limits();
    let report = inspect(&bytes, file_name, &limits);
    assert!(report.readable || !report.findings.is_empty(), "silence about an unreadable archive");
    assert!(report.members.len() <= limits.members as usize);
    assert!(report.unpacked_size <= limits.total_bytes + limits.member_bytes);
    let json = serde_json::to_vec(&report).expect("invariant: a report serialises");
    let back: Report = serde_json::from_slice(&json).expect("invariant: a report is read back");
    assert_eq!(back, report);
}

/// The bytes of a wheel.
pub fn zip(bytes: &[u8]) {
    archive(bytes, "demo-1.0-py3-none-any.whl");
}

/// A source distribution: gzip bytes as they are, anything else as the tar inside.
pub fn tar(bytes: &[u8]) {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return archive(bytes, "demo-1.0.tar.gz");
    }
    // Coverage guidance cannot get through a checksum: packing the input lets it reach the tar reader.
    let mut gzip = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::none());
    let packed = std::io::Write::write_all(&mut gzip, bytes).and_then(|()| gzip.finish());
    archive(&packed.expect("invariant: writing to memory does not fail"), "demo-1.0.tar.gz");
}

/// The text of a RECORD.
pub fn record(bytes: &[u8]) {
    let rows = csv::rows(bytes, 1000);
    let size: usize = rows.iter().flat_map(|row| &row.fields).map(String::len).sum();
    assert!(rows.iter().all(|row| !row.fields.is_empty()));
    // A byte that is not UTF-8 becomes a replacement character of three.
    assert!(size <= 3 * bytes.len());
}

/// The text of a `.pth` file.
pub fn pth(bytes: &[u8]) {
    for (line, text) in detectors::executable_pth::executed(bytes) {
        assert!(line >= 1 && text.starts_with(b"import"));
    }
}

/// The text of a METADATA or PKG-INFO file.
pub fn metadata(bytes: &[u8]) {
    for field in ["Name", "Version", "Requires-Python"] {
        let all = metadata::values(bytes, field);
        assert!(all.iter().all(|value| value.len() <= 3 * bytes.len() + bytes.len()));
    }
}

fn view(run: fn(&str, &[u8]) -> View, path: &str, bytes: &[u8]) {
    let view = run(path, bytes);
    assert!(!view.units.is_empty(), "a view has its top level");
    for unit in &view.units {
        for callee in &unit.calls {
            if let Callee::Local(at) = callee {
                assert!(*at < view.units.len(), "a call of a unit that is not there");
            }
        }
        assert!(unit.effects.iter().all(|effect| effect.line >= 1 && effect.excerpt.chars().count() <= 200));
    }
    assert!(view.imports.iter().all(|import| import.unit < view.units.len()));
}

/// The text of a JavaScript or TypeScript file.
pub fn javascript(bytes: &[u8]) {
    view(lang::javascript::view, "a.js", bytes);
}

/// The text of a script, in each dialect.
pub fn shell(bytes: &[u8]) {
    for path in ["a.sh", "a.cmd", "a.ps1"] {
        view(lang::shell::view, path, bytes);
    }
}

/// The text of a Rust file.
pub fn rust(bytes: &[u8]) {
    view(lang::rust::view, "build.rs", bytes);
}

/// The text of instructions in Markdown.
pub fn markdown(bytes: &[u8]) {
    view(lang::markdown::view, "SKILL.md", bytes);
}

/// A Python source. The first view decides nothing for the second, and every line that it names is there.
pub fn python(bytes: &[u8]) {
    let view = lang::python::view("demo/__init__.py", bytes);
    assert!(!view.units.is_empty());
    let lines = bytes.len() + 1;
    for unit in &view.units {
        for effect in &unit.effects {
            assert!((1..=lines).contains(&(effect.line as usize)), "line {} of {lines}", effect.line);
            assert!(effect.excerpt.chars().count() <= 200);
        }
        for callee in &unit.calls {
            if let Callee::Local(at) = callee {
                assert!(*at < view.units.len());
            }
        }
    }
    assert!(view.imports.iter().all(|import| import.unit < view.units.len()));
    assert_eq!(view, lang::python::view("demo/__init__.py", bytes), "the same bytes give the same view");
}
