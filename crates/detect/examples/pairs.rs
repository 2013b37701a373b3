//! Compares the two releases in each folder of a folder: `cargo run --release --example pairs -- DIR`. For those who tune the
//! delta: honest releases must not be refused. Prints what the shipped policy denies or holds for, and the score of the rest.

#![expect(clippy::print_stdout, reason = "a command line tool prints")]

use std::fs;
use std::path::{Path, PathBuf};

use bulkhead_core::{Confidence, Severity};
use bulkhead_detect::delta::compare;
use bulkhead_detect::{ArchiveKind, FileName, Limits, inspect};

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(std::env::args().nth(1).unwrap_or_default());
    let mut folders: Vec<PathBuf> = fs::read_dir(&root)?.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let (mut pairs, mut denied, mut held) = (0, 0, 0);
    for folder in folders {
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)?.flatten().map(|entry| entry.path()).collect();
        files.sort_by_key(|file| {
            version(file).split('.').map(|part| part.parse::<u64>().unwrap_or(0)).collect::<Vec<_>>()
        });
        let [before, after] = files.as_slice() else { continue };
        let read =
            |file: &Path| -> std::io::Result<_> { Ok(inspect(&fs::read(file)?, &name(file), &Limits::default())) };
        let (old, new) = (read(before)?, read(after)?);
        let delta = compare(&old.profile, &new.profile, &version(before), &version(after));
        let chain = |finding: &&bulkhead_core::Finding| {
            finding.detector == "delta-unasked-chain" && finding.confidence == Confidence::High
        };
        let high = |finding: &&bulkhead_core::Finding| finding.severity >= Severity::High;
        pairs += 1;
        let word = if delta.findings.iter().filter(high).any(|finding| chain(&finding)) {
            denied += 1;
            "DENY"
        } else if delta.findings.iter().any(|finding| high(&finding)) {
            held += 1;
            "HOLD"
        } else {
            "pass"
        };
        let bytes = serde_json::to_string(&new.profile).map_or(0, |json| json.len());
        println!(
            "{word} {:>3} {} -> {} ({} new, profile {bytes} B)",
            delta.score,
            name(before),
            version(after),
            delta.new.len()
        );
        for finding in delta.findings.iter().filter(|finding| finding.severity >= Severity::Medium) {
            let place =
                finding.location.as_ref().map(|at| format!("{}:{}", at.path, at.line.unwrap_or(0))).unwrap_or_default();
            println!(
                "     {} {} {place}: {} | {}",
                finding.severity.as_str(),
                finding.detector,
                finding.title,
                finding.excerpt.as_deref().unwrap_or_default()
            );
        }
    }
    println!("{pairs} pairs: {denied} denied, {held} held");
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
    }
    Ok(())
}

fn name(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn version(file: &Path) -> String {
    let name = name(file);
    FileName::of(&name, ArchiveKind::of(&name)).map_or_else(String::new, |name| name.version)
}
