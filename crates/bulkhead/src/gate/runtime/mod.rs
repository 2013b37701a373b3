//! The runtime gate: between a process and the machine. What a run is made of, and what is written of it.
//!
//! [`plan`] turns a profile and a machine into a launch; `contain` carries it out; [`record`] turns what the layers see into
//! lines for the ledger; [`summary`] is the last line that a person reads.

pub mod aside;
pub mod credentials;
pub mod decoy;
pub mod environment;
pub mod journal;
pub mod network;
pub mod plan;
pub mod profile;
pub mod record;
pub mod sight;
pub mod suggest;

#[cfg(test)]
mod tests;

use bulkhead_core::RunId;
use jiff::Timestamp;

/// A new run's id: UUID version 7 (RFC 9562), so that ids sort by time.
///
/// # Errors
/// When the system gives no randomness.
pub fn new_run_id(now: Timestamp) -> anyhow::Result<RunId> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0).to_be_bytes();
    bytes[..6].copy_from_slice(&millis[2..]);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(text.parse()?)
}

/// A path as people write it: below the home as `~/...`, below the work directory as it is from there.
pub fn shown(path: &std::path::Path, work_dir: &std::path::Path, home: Option<&std::path::Path>) -> String {
    if let Ok(below) = path.strip_prefix(work_dir)
        && !below.as_os_str().is_empty()
    {
        return below.display().to_string();
    }
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    }
}
