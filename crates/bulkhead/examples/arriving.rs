//! How long a client waits for the verdict after the last byte of a download, in pairs: each archive is written at that pace and
//! read once it is whole, and written at that pace and read while it arrives. The reports must be the same.
//!
//!     arriving --worker target/release/bulkhead --pace MEGABYTES_PER_SECOND [--pairs N] FILE...
#![expect(clippy::print_stdout, reason = "a command line tool prints")]

use std::fs::{self, File};
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bulkhead::worker::{Pool, PoolOptions};
use bulkhead_detect::Report;
use tokio::sync::watch;

/// Bytes at a time, as they come from a connection.
const CHUNK: usize = 64 << 10;

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (mut worker, mut pace, mut pairs, mut files) = (None, 20.0, 3, Vec::new());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--worker" => worker = args.next(),
            "--pace" => pace = args.next().context("--pace N")?.parse()?,
            "--pairs" => pairs = args.next().context("--pairs N")?.parse()?,
            _ => files.push(arg),
        }
    }
    let exe = fs::canonicalize(worker.context("--worker PROGRAM")?)?;
    let pool = Pool::start(PoolOptions { exe, size: NonZeroUsize::MIN, ..PoolOptions::default() }).await?;
    println!("{:>9} {:>9} {:>9} {:>9}  file", "bytes", "download", "whole", "arriving");
    for path in &files {
        let bytes = fs::read(path).with_context(|| path.clone())?;
        let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        for _pair in 0..pairs {
            let (whole, waited, download) = once(&pool, &bytes, name, pace, false).await?;
            let (arriving, early, _) = once(&pool, &bytes, name, pace, true).await?;
            if whole != arriving {
                bail!("{name}: another report while it arrives");
            }
            let ms = |time: Duration| time.as_millis();
            println!("{:>9} {:>6} ms {:>6} ms {:>6} ms  {name}", bytes.len(), ms(download), ms(waited), ms(early));
        }
    }
    Ok(())
}

/// The report, the time from the last byte to it, and the time that the bytes took.
async fn once(pool: &Pool, bytes: &[u8], name: &str, pace: f64, early: bool) -> Result<(Report, Duration, Duration)> {
    let file = tempfile::NamedTempFile::new()?;
    let (tell, there) = watch::channel(0);
    let reading = File::open(file.path())?;
    let write = async {
        let began = Instant::now();
        for (at, chunk) in bytes.chunks(CHUNK).enumerate() {
            file.as_file().write_all(chunk)?;
            tell.send_replace((at * CHUNK + chunk.len()) as u64);
            let due = Duration::from_secs_f64((at * CHUNK + chunk.len()) as f64 / (pace * 1e6));
            tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
        }
        Ok::<_, anyhow::Error>((began.elapsed(), Instant::now()))
    };
    if early {
        let read = pool.inspect_arriving(reading, name, bytes.len() as u64, there);
        let (written, report) = tokio::join!(write, read);
        let (took, last) = written?;
        return Ok((report.context("no report while it arrived")?, last.elapsed(), took));
    }
    let (took, last) = write.await?;
    let report = pool.inspect(reading, name).await?;
    Ok((report, last.elapsed(), took))
}
