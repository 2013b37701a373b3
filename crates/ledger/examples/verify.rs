//! The auditor's program: verifies a ledger's folder, or a mirror of its resources, with nothing but the verifier key.
//!
//! `cargo run -p bulkhead-ledger --example verify -- FOLDER VERIFIER-KEY`
//!
//! Exit codes: 0 verified, 1 not verified, 2 wrong use.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use bulkhead_ledger::VerifierKey;
use bulkhead_ledger::verify::verify_folder;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (code, text) = run(&arguments);
    let written = if code == 0 { writeln!(io::stdout(), "{text}") } else { writeln!(io::stderr(), "{text}") };
    if written.is_ok() { ExitCode::from(code) } else { ExitCode::from(2) }
}

fn run(arguments: &[String]) -> (u8, String) {
    let [folder, key] = arguments else {
        return (2, "usage: verify FOLDER VERIFIER-KEY\n  the key has the form name+id+base64".to_owned());
    };
    let key: VerifierKey = match key.parse() {
        Ok(key) => key,
        Err(error) => return (2, error.to_string()),
    };
    match verify_folder(Path::new(folder), &key) {
        Err(fault) => (1, format!("NOT VERIFIED: {fault}")),
        Ok(report) => {
            let lines = [
                "verified".to_owned(),
                format!("  origin           {}", report.origin),
                format!("  key fingerprint  {}", report.key_fingerprint),
                format!("  entries          {}", report.size),
                format!("  root             {}", report.root),
                format!("  hash tiles       {}", report.tiles),
                format!("  not integrated   {}", report.not_integrated),
            ];
            (0, lines.join("\n"))
        }
    }
}
