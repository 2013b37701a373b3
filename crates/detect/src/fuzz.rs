//! What the fuzz targets in `fuzz/` and the corpus test run: one function for each kind of hostile input. Each panics when
//! an invariant is broken.

use crate::lang::{self, Callee, View};
use crate::limits::Limits;
use crate::report::{ArchiveKind, Report};
use crate::{csv, detectors, inspect_as, metadata, pickle as pickles};

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
    archive_as(bytes, ArchiveKind::of(file_name), file_name);
}

fn archive_as(bytes: &[u8], kind: ArchiveKind, file_name: &str) {
    let limits = limits();
    let report = inspect_as(&bytes, kind, file_name, &limits);
    assert_eq!(report.profile.flaw(), None, "a profile is one that the gate takes");
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
    archive(&gzip(bytes), "demo-1.0.tar.gz");
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

/// A pickle, or a model as PyTorch zips it. What is named is bounded, and the same bytes name the same.
pub fn pickle(bytes: &[u8]) {
    let names = pickles::names(bytes);
    assert!(names.len() <= 2 * pickles::NAMES);
    assert_eq!(names, pickles::names(bytes));
    // With the members of a zip each counted for itself, no name is longer than what holds it.
    assert!(names.iter().all(|(module, name)| module.len().max(name.len()) <= 3 * bytes.len()));
}

/// The manifest of an npm package, of a crate, and the project file of a source distribution, each in its place.
pub fn manifest(bytes: &[u8]) {
    let script: &[u8] = b"require('child_process').execSync('true')\n";
    let module: &[u8] = b"import os\nos.system('true')\n";
    let library: &[u8] = b"fn main() { std::process::Command::new(\"true\"); }\n";
    for (file_name, members) in [
        ("demo-1.0.0.tgz", [("package/package.json", bytes), ("package/index.js", script)]),
        ("demo-1.0.0.tgz", [("package/binding.gyp", bytes), ("package/index.js", script)]),
        ("demo-1.0.0.crate", [("demo-1.0.0/Cargo.toml", bytes), ("demo-1.0.0/build.rs", library)]),
        ("demo-1.0.tar.gz", [("demo-1.0/pyproject.toml", bytes), ("demo-1.0/demo/__init__.py", module)]),
        ("demo-1.0.tar.gz", [("demo-1.0/PKG-INFO", bytes), ("demo-1.0/setup.py", module)]),
        ("demo-1.0.tar.gz", [("demo-1.0/setup.cfg", bytes), ("demo-1.0/setup.py", module)]),
    ] {
        let mut tar = Vec::new();
        for (path, content) in members {
            member(&mut tar, path, content);
        }
        tar.extend([0; 1024]);
        archive_as(&gzip(&tar), ArchiveKind::of_local(file_name), file_name);
    }
}

/// One file of a tar (ustar).
fn member(tar: &mut Vec<u8>, path: &str, content: &[u8]) {
    let mut header = [0; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[148..156].fill(b' ');
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend(header);
    tar.extend(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::none());
    let packed = std::io::Write::write_all(&mut gzip, bytes).and_then(|()| gzip.finish());
    packed.expect("invariant: writing to memory does not fail")
}
