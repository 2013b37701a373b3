//! `bulkhead ledger`: verify it, look at it, make the projections anew.

use std::path::PathBuf;

use bulkhead_ledger::verify::{self, Mirror, Report};
use bulkhead_ledger::{SigningKey, VerifierKey};
use clap::Subcommand;
use serde::Serialize;

use super::call::call;
use super::output::{Output, table};
use super::{Done, Failure, Place};
use crate::app::Paths;
use crate::control::{LedgerRows, Request};

/// Verify, show or rebuild the ledger
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the checkpoint's signature, every entry, every tile and the root
    Verify {
        /// A mirror of the log as plain files [default: the ledger in the data folder]
        #[arg(long, value_name = "DIR", requires = "key")]
        from: Option<PathBuf>,
        /// The log's public key, as `ledger key` prints it [default: the one in the data folder]
        #[arg(long, value_name = "KEY")]
        key: Option<VerifierKey>,
    },
    /// The newest entries, or those about one release or file
    Show {
        /// Only entries about this purl, or sha256:DIGEST
        about: Option<String>,
        /// How many
        #[arg(long, default_value_t = 20)]
        last: usize,
    },
    /// The log's public key, for those who verify it
    Key,
    /// Make the database anew from the entries
    Rebuild,
}

#[derive(Debug, Serialize)]
struct Verified {
    good: bool,
    fault: Option<String>,
    origin: Option<String>,
    size: u64,
    root: Option<String>,
    tiles: u64,
    not_integrated: u64,
    key_fingerprint: Option<String>,
}

pub(super) fn run(place: &Place, args: Args, output: &Output) -> Result<Done, Failure> {
    match args.command {
        Command::Verify { from, key } => verify(place, from, key, output),
        Command::Show { about, last } => {
            let rows: LedgerRows = call(place, Request::LedgerShow { last, about })?;
            output.facts(&rows, show)?;
            Ok(Done::Good)
        }
        Command::Key => {
            let key = own_key(&Paths::new(&place.load()?.server.data))?;
            output.facts(&key.to_string(), Clone::clone)?;
            Ok(Done::Good)
        }
        Command::Rebuild => {
            let count: u64 = call(place, Request::LedgerRebuild)?;
            output.facts(&count, |count| format!("made the projections of {count} entries anew"))?;
            Ok(Done::Good)
        }
    }
}

/// Reads files only, so it works beside a running server and without one.
fn verify(place: &Place, from: Option<PathBuf>, key: Option<VerifierKey>, output: &Output) -> Result<Done, Failure> {
    let paths = Paths::new(&place.load()?.server.data);
    let key = key.map_or_else(|| own_key(&paths), Ok)?;
    let report = match &from {
        Some(folder) => verify::verify(&Mirror::new(folder), &key),
        None => verify::verify_folder(&paths.ledger, &key),
    };
    let verified = match report {
        Ok(report) => good(&report),
        Err(fault) => Verified {
            good: false,
            fault: Some(fault.to_string()),
            origin: None,
            size: 0,
            root: None,
            tiles: 0,
            not_integrated: 0,
            key_fingerprint: Some(key.fingerprint().to_hex()),
        },
    };
    output.facts(&verified, text)?;
    Ok(if verified.good { Done::Good } else { Done::Refused })
}

fn good(report: &Report) -> Verified {
    Verified {
        good: true,
        fault: None,
        origin: Some(report.origin.to_string()),
        size: report.size,
        root: Some(report.root.to_hex()),
        tiles: report.tiles,
        not_integrated: report.not_integrated,
        key_fingerprint: Some(report.key_fingerprint.to_hex()),
    }
}

fn text(verified: &Verified) -> String {
    let key = verified.key_fingerprint.as_deref().unwrap_or("unknown");
    match &verified.fault {
        Some(fault) => format!(
            "NOT VERIFIED: {fault}\n  key {key}\n  help: compare with a mirror: bulkhead ledger verify --from DIR --key KEY"
        ),
        None => format!(
            "verified: {} entries, {} tiles\n  origin {}\n  root   {}\n  key    {key}\n  {} durable entries are not under the checkpoint yet",
            verified.size,
            verified.tiles,
            verified.origin.as_deref().unwrap_or_default(),
            verified.root.as_deref().unwrap_or_default(),
            verified.not_integrated
        ),
    }
}

fn own_key(paths: &Paths) -> Result<VerifierKey, Failure> {
    let missing = |path: &std::path::Path| {
        Failure::Usage(format!("{} is not there: is this the right --data folder?", path.display()))
    };
    if !paths.key.exists() {
        return Err(missing(&paths.key));
    }
    let key = SigningKey::load(&paths.key).map_err(anyhow::Error::new)?;
    Ok(key.verifier(&paths.origin()?))
}

fn show(rows: &LedgerRows) -> String {
    let word = |entry: &serde_json::Value, path: &str| {
        entry.pointer(path).and_then(serde_json::Value::as_str).unwrap_or("-").to_owned()
    };
    let lines: Vec<Vec<String>> = rows
        .entries
        .iter()
        .map(|row| {
            let entry = &row.entry;
            let file = word(entry, "/resource/file");
            let what = if file == "-" { word(entry, "/resource/purl") } else { file };
            vec![
                format!("v{}", row.index),
                word(entry, "/time"),
                word(entry, "/principal"),
                word(entry, "/action"),
                word(entry, "/effect"),
                what,
                word(entry, "/reasons/0/rule"),
            ]
        })
        .collect();
    let table = table(&["entry", "time", "principal", "action", "effect", "what", "rule"], &lines);
    format!("{table}\n\n{} of {} entries of {}", rows.entries.len(), rows.size, rows.origin)
}
