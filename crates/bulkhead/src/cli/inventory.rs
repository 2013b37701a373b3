//! `bulkhead inventory`: what is installed where.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Subcommand;
use http::{HeaderValue, Uri, header};
use serde::Serialize;

use super::call::call;
use super::output::{Output, table};
use super::{Done, Failure, Place};
use crate::control::{Environments, Request};
use crate::estate::{BuildReport, InventoryReport, Recorded, Submission, sbom, scan};
use crate::net::post::post;

/// Tell the ledger what is installed where
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look for Python environments, node_modules and lockfiles, or into an image's tar, and record what is there
    Scan {
        /// Folders, or tars of images or layers [default: the current folder]
        places: Vec<PathBuf>,
        #[command(flatten)]
        to: To,
    },
    /// Record a bill of materials: CycloneDX or SPDX, JSON
    Import {
        /// The file
        sbom: PathBuf,
        /// Name of the environment [default: what the file says it is about]
        #[arg(long)]
        environment: Option<String>,
        /// It is of what a build made: the SHA-256 of that [default: what the file says]
        #[arg(long, value_name = "SHA256")]
        output: Option<String>,
        #[command(flatten)]
        to: To,
    },
    /// Every environment that was scanned
    List,
    /// An environment as CycloneDX 1.6, JSON
    Export {
        /// The host
        host: String,
        /// The environment, as `list` shows it
        environment: String,
    },
}

/// Where it goes, and of which host it is.
#[derive(Debug, clap::Args)]
struct To {
    /// The host's name [default: the machine's own]
    #[arg(long)]
    host: Option<String>,
    /// A server elsewhere [default: the one of the data folder]
    #[arg(long, value_name = "URL")]
    to: Option<Uri>,
    /// A file that holds the token for it
    #[arg(long, value_name = "FILE", requires = "to")]
    token_file: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Scanned {
    host: String,
    environments: Vec<Told>,
    passed_over: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Told {
    environment: String,
    items: usize,
    entries: Vec<u64>,
    unchanged: bool,
}

pub(super) fn run(place: &Place, args: Args, output: &Output) -> Result<Done, Failure> {
    match args.command {
        Command::Scan { places, to } => scan_places(place, &places, &to, output),
        Command::Import { sbom, environment, output: made, to } => import(place, &sbom, environment, made, &to, output),
        Command::List => {
            let rows: Environments = call(place, Request::Environments)?;
            output.facts(&rows, |rows| {
                let line = |row: &crate::control::Environment| {
                    vec![row.host.clone(), row.environment.clone(), format!("{:.0}", row.last), row.entry.to_string()]
                };
                let lines: Vec<Vec<String>> = rows.environments.iter().map(line).collect();
                if lines.is_empty() {
                    return "nothing was scanned yet:  bulkhead inventory scan".to_owned();
                }
                table(&["host", "environment", "last scan", "entry"], &lines)
            })?;
            Ok(Done::Good)
        }
        Command::Export { host, environment } => {
            let document: serde_json::Value = call(place, Request::InventoryExport { host, environment })?;
            output.text(&serde_json::to_string_pretty(&document).map_err(anyhow::Error::new)?);
            Ok(Done::Good)
        }
    }
}

fn scan_places(place: &Place, places: &[PathBuf], to: &To, output: &Output) -> Result<Done, Failure> {
    let host = host(to)?;
    let here = [PathBuf::from(".")];
    let mut scanned = Scanned { host: host.clone(), environments: Vec::new(), passed_over: Vec::new() };
    for folder in if places.is_empty() { &here } else { places } {
        let folder = std::path::absolute(folder).map_err(anyhow::Error::new)?;
        if !folder.exists() {
            return Err(Failure::Usage(format!("{} is not there", folder.display())));
        }
        let found = scan::scan(&host, &folder);
        scanned.passed_over.extend(found.passed_over);
        for report in found.reports {
            scanned.environments.push(tell(place, to, report)?);
        }
    }
    output.facts(&scanned, scanned_text)?;
    Ok(Done::Good)
}

fn tell(place: &Place, to: &To, report: InventoryReport) -> Result<Told, Failure> {
    let (environment, items) = (report.environment.clone(), report.items.len());
    let recorded = send(place, to, Submission::Inventory(report))?;
    Ok(Told { environment, items, entries: recorded.entries, unchanged: recorded.unchanged })
}

fn scanned_text(scanned: &Scanned) -> String {
    let line = |told: &Told| {
        let state = if told.unchanged { "as before" } else { "recorded" };
        vec![told.environment.clone(), told.items.to_string(), state.to_owned(), spans(&told.entries)]
    };
    let lines: Vec<Vec<String>> = scanned.environments.iter().map(line).collect();
    let mut out = if lines.is_empty() {
        format!("nothing installed was found for {}", scanned.host)
    } else {
        format!("{}\n\n{}", scanned.host, table(&["environment", "items", "state", "entries"], &lines))
    };
    for what in scanned.passed_over.iter().take(10) {
        out.push_str(&format!("\npassed over: {what}"));
    }
    if scanned.passed_over.len() > 10 {
        out.push_str(&format!("\nand {} more", scanned.passed_over.len() - 10));
    }
    out
}

fn spans(entries: &[u64]) -> String {
    match entries {
        [] => "-".to_owned(),
        [one] => one.to_string(),
        [first, .., last] => format!("{first} to {last}"),
    }
}

fn import(
    place: &Place,
    path: &Path,
    environment: Option<String>,
    made: Option<String>,
    to: &To,
    output: &Output,
) -> Result<Done, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::Other(anyhow::anyhow!("cannot read {}: {error}", path.display())))?;
    let bill = sbom::parse(&bytes).map_err(|why| {
        Failure::Usage(format!("{} is no bill of materials that Bulkhead reads: {why}", path.display()))
    })?;
    let name = environment.or_else(|| bill.subject.clone()).unwrap_or_else(|| path.display().to_string());
    let count = bill.items.len();
    let submission = match made.or_else(|| bill.digest.clone()) {
        // The bill of an image is the record of a build: what is in it is embedded.
        Some(made) => {
            Submission::Build(BuildReport { output: made, name, at: None, host: to.host.clone(), inputs: bill.items })
        }
        None => Submission::Inventory(InventoryReport {
            host: host(to)?,
            environment: format!("sbom {name}"),
            items: bill.items,
        }),
    };
    let recorded = send(place, to, submission)?;
    output.facts(&recorded, |recorded| {
        let mut out = format!(
            "recorded {count} components of {} ({}), entries {}",
            path.display(),
            bill.format,
            spans(&recorded.entries)
        );
        if bill.left_out > 0 {
            out.push_str(&format!(
                "\nleft out: {} components that have neither a purl of a known ecosystem nor a SHA-256",
                bill.left_out
            ));
        }
        if bill.bad_purls > 0 {
            out.push_str(&format!("\n{} purls are none, such as:\n  {}", bill.bad_purls, bill.examples.join("\n  ")));
        }
        out
    })?;
    Ok(Done::Good)
}

fn send(place: &Place, to: &To, submission: Submission) -> Result<Recorded, Failure> {
    let Some(server) = &to.to else {
        let principal = to.host.clone().map_or_else(super::user, Ok)?;
        return call(place, Request::Tell { principal, submission: Box::new(submission) });
    };
    let (path, body) = match &submission {
        Submission::Inventory(report) => ("api/inventory", serde_json::to_vec(report)),
        Submission::Build(report) => ("api/builds", serde_json::to_vec(report)),
        Submission::Run(report) => ("api/runs", serde_json::to_vec(report)),
        Submission::Assets { .. } => {
            return Err(Failure::Usage("assets are declared beside the server, not sent to it".to_owned()));
        }
    };
    let uri: Uri = format!("{}/{path}", server.to_string().trim_end_matches('/'))
        .parse()
        .map_err(|error| Failure::Usage(format!("--to: {error}")))?;
    let mut headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    if let Some(file) = &to.token_file {
        let token = crate::files::read_text(file).map_err(anyhow::Error::new)?;
        let value = HeaderValue::from_str(&format!("Bearer {}", token.trim()));
        let mut value = value.map_err(|_| Failure::Usage(format!("{} holds no token", file.display())))?;
        value.set_sensitive(true);
        headers.push((header::AUTHORIZATION, value));
    }
    let body = Bytes::from(body.map_err(anyhow::Error::new)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::new)?;
    let posted = runtime.block_on(post(&uri, &headers, body)).map_err(anyhow::Error::new)?;
    if posted.status != 201 {
        let problem: serde_json::Value = serde_json::from_slice(&posted.body).unwrap_or_default();
        let word = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        return Err(Failure::Remote {
            code: problem["code"].as_str().unwrap_or("not-recorded").to_owned(),
            title: format!("{uri} answered {}", posted.status),
            detail: word("detail"),
            help: word("help"),
        });
    }
    serde_json::from_slice(&posted.body)
        .map_err(|error| Failure::Other(anyhow::anyhow!("the answer of {uri} is not understood: {error}")))
}

fn host(to: &To) -> Result<String, Failure> {
    if let Some(host) = &to.host {
        return Ok(host.clone());
    }
    let name = crate::files::read_text(Path::new("/proc/sys/kernel/hostname")).unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        Err(Failure::Usage("the machine has no name; say which host it is with --host".to_owned()))
    } else {
        Ok(name)
    }
}
