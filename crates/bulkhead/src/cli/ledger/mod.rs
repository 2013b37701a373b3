//! `bulkhead ledger`: verify it, prove from it, look at it, make the projections anew.

mod export;
mod verify;
mod witness;

use bulkhead_ledger::{SigningKey, VerifierKey};
use clap::Subcommand;

use super::call::call;
use super::output::{Output, table};
use super::{Done, Failure, Place};
use crate::app::Paths;
use crate::control::{Erased, LedgerRows, Request};
use crate::ledger::timestamp::Stamped;

/// Verify, show or rebuild the ledger
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the checkpoint's signature, every entry, every tile and the root
    Verify(verify::VerifyArgs),
    /// Prove that an entry is in the log: a .tlog-proof file (C2SP), which anybody can check offline
    Prove(verify::ProveArgs),
    /// Copy the log's public resources into a folder, and verify the copy
    Mirror(verify::MirrorArgs),
    /// Write entries for other tools to standard output, one a line: --format jsonl (the entries' own bytes) or ocsf (OCSF
    /// 1.9 events with the record_integrity profile)
    Export(export::Args),
    /// Who cosigns the log's checkpoints
    #[command(subcommand)]
    Witness(witness::Command),
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
    /// Forget a person: delete the salt under which entries name them. The proofs stay valid, the entries name nobody
    Erase {
        /// The name, as `token create --for` or `--owner` gave it
        #[arg(long, value_name = "NAME")]
        subject: String,
        /// Why, for the record: it is kept for ever, so without the name
        #[arg(long, value_name = "TEXT", default_value = "asked for")]
        reason: String,
    },
    /// Take a time stamp (RFC 3161) over the published checkpoint now; `openssl ts -verify` checks it
    Timestamp,
    /// Make the database anew from the entries
    Rebuild,
}

impl Args {
    /// Whether it takes the formats that only an export has.
    pub(super) fn exports(&self) -> bool {
        matches!(self.command, Command::Export(_))
    }
}

pub(super) fn run(place: &Place, args: Args, output: &Output) -> Result<Done, Failure> {
    match args.command {
        Command::Verify(args) => verify::verify(place, args, output),
        Command::Prove(args) => verify::prove(place, args, output),
        Command::Mirror(args) => verify::mirror(place, args, output),
        Command::Export(args) => export::run(place, &args),
        Command::Witness(command) => witness::run(place, command, output),
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
        Command::Erase { subject, reason } => {
            let erased: Erased = call(place, Request::SubjectErase { subject, reason })?;
            output.facts(&erased, |erased| {
                let list = |what: &str, names: &[String]| match names {
                    [] => String::new(),
                    names => format!("\n  with the names of {what}: {}", names.join(", ")),
                };
                format!(
                    "erased: {} names nobody from now on (entry v{}){}{}\n  the token list, your own notes and backups of the \
                     folder `subjects` are yours to clear",
                    erased.pseudonym,
                    erased.entry,
                    list("machines", &erased.hosts),
                    list("environments", &erased.environments)
                )
            })?;
            Ok(Done::Good)
        }
        Command::Timestamp => {
            let stamped: Stamped = call(place, Request::LedgerTimestamp)?;
            output.facts(&stamped, |stamped| {
                format!(
                    "stamped the checkpoint of {} entries at {}\n  check it: openssl ts -verify -data {} -in {} -CAfile \
                     AUTHORITY.pem",
                    stamped.size,
                    stamped.time,
                    stamped.checkpoint.display(),
                    stamped.answer.display()
                )
            })?;
            Ok(Done::Good)
        }
        Command::Rebuild => {
            let count: u64 = call(place, Request::LedgerRebuild)?;
            output.facts(&count, |count| format!("made the projections of {count} entries anew"))?;
            Ok(Done::Good)
        }
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
