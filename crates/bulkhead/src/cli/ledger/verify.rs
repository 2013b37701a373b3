//! `ledger verify`, `prove` and `mirror`: reading only, beside a running server, without one, or from another machine.

use std::io::Write;
use std::path::{Path, PathBuf};

use bulkhead_core::EntryIndex;
use bulkhead_ledger::checkpoint::CheckpointError;
use bulkhead_ledger::mirror::{self, Mirror};
use bulkhead_ledger::proof::TlogProofError;
use bulkhead_ledger::verify::{self, Fault, Report};
use bulkhead_ledger::{Log, TlogProof, Trust, Trusted, VerifierKey, WitnessPolicy};
use serde::Serialize;

use super::own_key;
use crate::app::Paths;
use crate::cli::output::Output;
use crate::cli::{Done, Failure, Place};
use crate::ledger::remote_log::RemoteLog;
use crate::net::tls;

/// What to verify, and whom to trust.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The log elsewhere: an address such as https://bulkhead.corp.example/ledger/, or a folder with its resources as plain files [default: the ledger in the data folder]
    #[arg(long, value_name = "URL|DIR")]
    from: Option<String>,
    #[command(flatten)]
    trust: TrustArgs,
    /// Only this proof file, offline
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    proof: Option<PathBuf>,
    /// The entry's bytes, when the proof file does not carry them
    #[arg(long, value_name = "FILE", requires = "proof")]
    entry: Option<PathBuf>,
}

/// Whom to trust.
#[derive(Debug, clap::Args)]
pub(crate) struct TrustArgs {
    /// The log's public key, as `ledger key` prints it [default: the one in the data folder]
    #[arg(long, value_name = "KEY")]
    key: Option<VerifierKey>,
    /// Whose cosignatures make a quorum (C2SP tlog-policy); the key is not needed when the file names the log
    #[arg(long, value_name = "FILE")]
    witness_policy: Option<PathBuf>,
}

/// Which entry to prove.
#[derive(Debug, clap::Args)]
pub(crate) struct ProveArgs {
    /// The entry's number, with or without a `v` before it
    entry: String,
    /// Where to write the proof [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Without the entry's own bytes in it
    #[arg(long)]
    without_entry: bool,
}

/// What to copy, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct MirrorArgs {
    /// The folder of the mirror; what is there is brought up to date
    folder: PathBuf,
    /// The log elsewhere: an address, or a folder [default: the ledger in the data folder]
    #[arg(long, value_name = "URL|DIR")]
    from: Option<String>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// The log's key alone, or the log and a quorum.
enum Trusting {
    Key(Box<VerifierKey>),
    Policy(WitnessPolicy),
}

impl Trust for Trusting {
    fn check(&self, note: &[u8]) -> Result<Trusted, CheckpointError> {
        match self {
            Self::Key(key) => key.check(note),
            Self::Policy(policy) => policy.check(note),
        }
    }

    fn needs_witnesses(&self) -> bool {
        match self {
            Self::Key(key) => key.needs_witnesses(),
            Self::Policy(policy) => policy.needs_witnesses(),
        }
    }
}

impl TrustArgs {
    /// `own`: whether the key of the data folder may stand in. Whoever takes a key from where the log comes from has
    /// verified nothing, so a log from elsewhere must be given its key.
    fn trust(self, paths: &Paths, own: bool) -> Result<Trusting, Failure> {
        let policy = self.witness_policy.as_deref().map(crate::cli::witness_policy).transpose()?;
        let key = match (self.key, &policy) {
            (Some(key), _) => Some(key),
            (None, Some(policy)) if !policy.logs().is_empty() => None,
            (None, _) if own => Some(own_key(paths)?),
            (None, _) => {
                return Err(Failure::Usage(
                    "which log is it? give --key, as `bulkhead ledger key` prints it there, or a --witness-policy that \
                     names the log. A key that comes from the same place as the log proves nothing"
                        .to_owned(),
                ));
            }
        };
        Ok(match (key, policy) {
            (Some(key), None) => Trusting::Key(Box::new(key)),
            (Some(key), Some(policy)) => Trusting::Policy(policy.for_log(&key)),
            (None, policy) => Trusting::Policy(policy.unwrap_or_else(WitnessPolicy::none)),
        })
    }
}

#[derive(Debug, Default, Serialize)]
struct Verified {
    good: bool,
    fault: Option<String>,
    origin: Option<String>,
    size: u64,
    root: Option<String>,
    tiles: u64,
    not_integrated: u64,
    key_fingerprint: Option<String>,
    witnesses: Vec<Witnessed>,
    /// Only for one proof: the entry, read from its canonical bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<serde_json::Value>,
}

#[derive(Debug, Serialize)]
struct Witnessed {
    witness: String,
    /// Seconds after 1970, by the witness's clock.
    timestamp: u64,
}

pub(super) fn verify(place: &Place, args: VerifyArgs, output: &Output) -> Result<Done, Failure> {
    let paths = Paths::new(&place.load()?.server.data);
    let own = args.from.is_none();
    let verified = match args.proof {
        Some(file) => proved(&file, args.entry.as_deref(), &args.trust.trust(&paths, true)?)?,
        None => {
            let trust = args.trust.trust(&paths, own)?;
            let report = match args.from {
                None => verify::verify_folder(&paths.ledger, &trust),
                Some(from) => match address(&from) {
                    true => verify::verify(&remote(&from)?, &trust),
                    false => verify::verify_folder(Path::new(&from), &trust),
                },
            };
            outcome(report)
        }
    };
    print(&verified, output)
}

pub(super) fn prove(place: &Place, args: ProveArgs, output: &Output) -> Result<Done, Failure> {
    let number = args.entry.strip_prefix('v').unwrap_or(&args.entry).parse::<u64>();
    let index = EntryIndex(number.map_err(|_| Failure::Usage(format!("`{}` is not an entry's number", args.entry)))?);
    let paths = Paths::new(&place.load()?.server.data);
    let log = Log::open_read_only(&paths.ledger).map_err(anyhow::Error::new)?;
    let proof = if args.without_entry { log.inclusion_proof(index) } else { log.proof_with_entry(index) };
    let Some(proof) = proof.map_err(anyhow::Error::new)? else {
        let (size, integrated) = (log.size(), log.integrated());
        return Err(Failure::Usage(if index.0 < size {
            format!("entry {index} is durable but not under a checkpoint yet ({integrated} are); ask again in a second")
        } else {
            format!("there is no entry {index}: the ledger has {size}")
        }));
    };
    let bytes = proof.to_bytes();
    match args.output {
        Some(file) => {
            crate::files::replace(&file, &bytes, 0o644).map_err(anyhow::Error::new)?;
            output.text(&format!(
                "wrote the proof of entry {index} to {}\n  check it offline: bulkhead ledger verify --proof {} --key KEY",
                file.display(),
                file.display()
            ));
        }
        None => {
            let mut out = std::io::stdout().lock();
            // A reader that hangs up ends the output, not the command.
            drop(out.write_all(&bytes).and_then(|()| out.flush()));
        }
    }
    Ok(Done::Good)
}

pub(super) fn mirror(place: &Place, args: MirrorArgs, output: &Output) -> Result<Done, Failure> {
    let paths = Paths::new(&place.load()?.server.data);
    let trust = args.trust.trust(&paths, args.from.is_none())?;
    let report = match args.from {
        None => {
            let log = Log::open_read_only(&paths.ledger).map_err(anyhow::Error::new)?;
            mirror::mirror(&log, &args.folder, &trust)
        }
        Some(from) if address(&from) => mirror::mirror(&remote(&from)?, &args.folder, &trust),
        Some(from) => mirror::mirror(&Mirror::new(Path::new(&from)), &args.folder, &trust),
    };
    print(&outcome(report), output)
}

fn address(from: &str) -> bool {
    from.contains("://")
}

fn remote(from: &str) -> Result<RemoteLog, Failure> {
    let tls = tls::client(tls::Trust::System).map_err(anyhow::Error::new)?;
    Ok(RemoteLog::new(from, &tls)?)
}

fn outcome(report: Result<Report, Fault>) -> Verified {
    match report {
        Err(fault) => Verified { fault: Some(fault.to_string()), ..Verified::default() },
        Ok(report) => Verified {
            good: true,
            origin: Some(report.origin.to_string()),
            size: report.size,
            root: Some(report.root.to_hex()),
            tiles: report.tiles,
            not_integrated: report.not_integrated,
            key_fingerprint: Some(report.key_fingerprint.to_hex()),
            witnesses: witnessed(&report.cosigned),
            ..Verified::default()
        },
    }
}

fn witnessed(cosigned: &[bulkhead_ledger::Cosigned]) -> Vec<Witnessed> {
    let row =
        |one: &bulkhead_ledger::Cosigned| Witnessed { witness: one.witness.to_string(), timestamp: one.timestamp };
    cosigned.iter().map(row).collect()
}

/// One entry, by its proof file alone.
fn proved(file: &Path, entry: Option<&Path>, trust: &Trusting) -> Result<Verified, Failure> {
    let read = |path: &Path| crate::files::read(path).map_err(anyhow::Error::new);
    let bytes = read(file)?;
    let beside = entry.map(read).transpose()?;
    let checked = TlogProof::parse(&bytes).and_then(|proof| {
        let proof = match beside {
            Some(bytes) => TlogProof { extra: Some(bytes), ..proof },
            None => proof,
        };
        let (_, trusted) = proof.verify_carried(trust)?;
        let entry = serde_json::from_slice(proof.extra.as_deref().unwrap_or_default());
        Ok((trusted, entry.map_err(|_| TlogProofError::NoEntry)?))
    });
    Ok(match checked {
        Err(error) => Verified { fault: Some(error.to_string()), ..Verified::default() },
        Ok((trusted, entry)) => Verified {
            good: true,
            origin: Some(trusted.checkpoint.origin.to_string()),
            size: trusted.checkpoint.size,
            root: Some(trusted.checkpoint.root.to_hex()),
            key_fingerprint: Some(trusted.key.fingerprint().to_hex()),
            witnesses: witnessed(&trusted.cosigned),
            entry: Some(entry),
            ..Verified::default()
        },
    })
}

fn print(verified: &Verified, output: &Output) -> Result<Done, Failure> {
    output.facts(verified, text)?;
    Ok(if verified.good { Done::Good } else { Done::Refused })
}

fn text(verified: &Verified) -> String {
    if let Some(fault) = &verified.fault {
        return format!(
            "NOT VERIFIED: {fault}\n  help: compare with a mirror: bulkhead ledger verify --from URL|DIR --key KEY"
        );
    }
    let word = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut lines = vec![match &verified.entry {
        Some(entry) => format!("verified: entry {} is in the log of {} entries", entry["seq"], verified.size),
        None => format!("verified: {} entries, {} tiles", verified.size, verified.tiles),
    }];
    lines.push(format!("  origin {}", word(&verified.origin)));
    lines.push(format!("  root   {}", word(&verified.root)));
    lines.push(format!("  key    {}", word(&verified.key_fingerprint)));
    for Witnessed { witness, timestamp } in &verified.witnesses {
        let at = i64::try_from(*timestamp).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
        lines.push(format!("  witness {witness} at {}", at.map_or_else(|| timestamp.to_string(), |at| at.to_string())));
    }
    match &verified.entry {
        Some(entry) => lines.push(format!("  entry  {entry}")),
        None => {
            lines.push(format!("  {} durable entries are not under this checkpoint yet", verified.not_integrated));
        }
    }
    lines.join("\n")
}
