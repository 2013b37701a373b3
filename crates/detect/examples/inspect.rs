//! Inspects archives and prints what was seen, and how long it took: `cargo run --release -p bulkhead-detect --example
//! inspect -- FILE...`. With `--json`, the reports. For measuring; the product reads archives only in the contained worker.
#![expect(clippy::print_stdout, reason = "a command line tool prints")]

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use bulkhead_detect::{ArchiveKind, Limits, ReadAt, inspect_as};

struct OnDisk {
    file: File,
    len: u64,
}

impl ReadAt for OnDisk {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }
}

fn main() -> io::Result<()> {
    let (mut packed, mut unpacked, mut seconds, mut worst) = (0, 0, 0.0, 0);
    let mut json = false;
    for argument in std::env::args().skip(1) {
        if argument == "--json" {
            json = true;
            continue;
        }
        let file = File::open(&argument)?;
        let archive = OnDisk { len: file.metadata()?.len(), file };
        let name = Path::new(&argument).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let start = Instant::now();
        let report = inspect_as(&archive, ArchiveKind::of_local(&name), &name, &Limits::default());
        let took = start.elapsed().as_secs_f64();
        packed += archive.len;
        unpacked += report.unpacked_size;
        seconds += took;
        if json {
            println!("{}", serde_json::to_string_pretty(&report)?);
            continue;
        }
        let size = report.unpacked_size as f64 / 1e6;
        let ratio = report.unpacked_size as f64 / archive.len.max(1) as f64;
        println!(
            "{name}: readable {}, {} members, {size:.1} MB unpacked, ratio {ratio:.1}, {:.1} ms",
            report.readable,
            report.member_count,
            took * 1e3
        );
        worst += u32::from(report.findings.iter().any(|f| f.severity >= bulkhead_core::Severity::High));
        for finding in &report.findings {
            let place = finding.location.as_ref().map(|l| l.path.as_str()).unwrap_or_default();
            println!("  {} {}: {} [{place}]", finding.severity.as_str(), finding.detector, finding.title);
        }
    }
    if !json {
        println!(
            "packed {:.1} MB, unpacked {:.1} MB, {seconds:.2} s: {:.0} MB/s unpacked; {worst} with high or critical findings",
            packed as f64 / 1e6,
            unpacked as f64 / 1e6,
            unpacked as f64 / 1e6 / seconds
        );
    }
    Ok(())
}
