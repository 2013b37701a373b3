//! The auditor's program: verifies a ledger's folder, a mirror of its resources, or one proof file, with nothing but the
//! verifier key or a witness policy. It builds without the rest of Bulkhead: no network, no database, no runtime.
//!
//! ```text
//! cargo run -p bulkhead-ledger --example verify -- FOLDER VERIFIER-KEY
//! cargo run -p bulkhead-ledger --example verify -- FOLDER --witness-policy FILE [VERIFIER-KEY]
//! cargo run -p bulkhead-ledger --example verify -- --proof FILE [--entry FILE] VERIFIER-KEY | --witness-policy FILE
//! ```
//!
//! Exit codes: 0 verified, 1 not verified, 2 wrong use.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use bulkhead_ledger::verify::verify_folder;
use bulkhead_ledger::{Cosigned, TlogProof, Trust, VerifierKey, WitnessPolicy};

const USAGE: &str = "usage: verify FOLDER VERIFIER-KEY
       verify FOLDER --witness-policy FILE [VERIFIER-KEY]
       verify --proof FILE [--entry FILE] VERIFIER-KEY
       verify --proof FILE [--entry FILE] --witness-policy FILE [VERIFIER-KEY]
  the key has the form name+id+base64; without it, the policy must name the log";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (code, text) = match run(&arguments) {
        Ok(text) => (0, text),
        Err((code, text)) => (code, text),
    };
    let written = if code == 0 { writeln!(io::stdout(), "{text}") } else { writeln!(io::stderr(), "{text}") };
    if written.is_ok() { ExitCode::from(code) } else { ExitCode::from(2) }
}

/// What was asked for.
#[derive(Default)]
struct Asked {
    policy: Option<String>,
    proof: Option<String>,
    entry: Option<String>,
    rest: Vec<String>,
}

type Outcome = Result<String, (u8, String)>;

fn run(arguments: &[String]) -> Outcome {
    let usage = |_| (2, USAGE.to_owned());
    let asked = parse(arguments).map_err(usage)?;
    let mut rest = asked.rest.into_iter();
    let folder = if asked.proof.is_none() { Some(rest.next().ok_or(()).map_err(usage)?) } else { None };
    let key = rest.next().map(|key| key.parse::<VerifierKey>().map_err(|error| (2, error.to_string()))).transpose()?;
    if rest.next().is_some() || (folder.is_some() && asked.entry.is_some()) {
        return usage(()).into_result();
    }
    let check = |trust: &dyn Fn(&What) -> Outcome| match (&folder, &asked.proof) {
        (Some(folder), _) => trust(&What::Folder(folder)),
        (None, Some(proof)) => trust(&What::Proof(proof, asked.entry.as_deref())),
        (None, None) => usage(()).into_result(),
    };
    match (asked.policy, key) {
        (None, Some(key)) => check(&|what| verify(what, &key)),
        (Some(file), key) => {
            let policy = read_policy(&file)?;
            let policy = key.map_or(policy.clone(), |key| policy.for_log(&key));
            check(&|what| verify(what, &policy))
        }
        (None, None) => usage(()).into_result(),
    }
}

trait IntoResult {
    fn into_result(self) -> Outcome;
}

impl IntoResult for (u8, String) {
    fn into_result(self) -> Outcome {
        Err(self)
    }
}

fn parse(arguments: &[String]) -> Result<Asked, ()> {
    let mut asked = Asked::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let place = match word.as_str() {
            "--witness-policy" => &mut asked.policy,
            "--proof" => &mut asked.proof,
            "--entry" => &mut asked.entry,
            word if word.starts_with("--") => return Err(()),
            word => {
                asked.rest.push(word.to_owned());
                continue;
            }
        };
        if place.replace(words.next().ok_or(())?.clone()).is_some() {
            return Err(());
        }
    }
    Ok(asked)
}

/// What to verify.
enum What<'a> {
    Folder(&'a str),
    Proof(&'a str, Option<&'a str>),
}

fn verify<T: Trust>(what: &What<'_>, trust: &T) -> Outcome {
    let refused = |fault: String| (1, format!("NOT VERIFIED: {fault}"));
    match *what {
        What::Folder(folder) => {
            let report = verify_folder(Path::new(folder), trust).map_err(|fault| refused(fault.to_string()))?;
            let mut lines = vec![
                "verified".to_owned(),
                format!("  origin           {}", report.origin),
                format!("  key fingerprint  {}", report.key_fingerprint),
                format!("  entries          {}", report.size),
                format!("  root             {}", report.root),
                format!("  hash tiles       {}", report.tiles),
                format!("  not integrated   {}", report.not_integrated),
            ];
            lines.extend(report.cosigned.iter().map(cosigned));
            Ok(lines.join("\n"))
        }
        What::Proof(proof, entry) => {
            let mut proof = TlogProof::parse(&read(proof)?).map_err(|error| refused(error.to_string()))?;
            if let Some(entry) = entry {
                proof.extra = Some(read(entry)?);
            }
            let (_, trusted) = proof.verify_carried(trust).map_err(|error| refused(error.to_string()))?;
            let mut lines = vec![
                "verified".to_owned(),
                format!("  origin           {}", trusted.checkpoint.origin),
                format!("  key fingerprint  {}", trusted.key.fingerprint()),
                format!("  entry            {} of {}", proof.index, trusted.checkpoint.size),
            ];
            lines.extend(trusted.cosigned.iter().map(cosigned));
            lines.push(String::from_utf8_lossy(proof.extra.as_deref().unwrap_or_default()).into_owned());
            Ok(lines.join("\n"))
        }
    }
}

fn cosigned(one: &Cosigned) -> String {
    format!("  cosigned by      {} at {} (seconds after 1970)", one.witness, one.timestamp)
}

fn read(path: &str) -> Result<Vec<u8>, (u8, String)> {
    fs::read(path).map_err(|error| (2, format!("{path}: {error}")))
}

fn read_policy(path: &str) -> Result<WitnessPolicy, (u8, String)> {
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    text.parse().map_err(|error| (2, format!("{path}: {error}")))
}
