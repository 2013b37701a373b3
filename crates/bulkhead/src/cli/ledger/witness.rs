//! `ledger witness`: who cosigns the ledger's checkpoints, and how they are doing.

use clap::Subcommand;

use crate::cli::call::call;
use crate::cli::output::{Output, table};
use crate::cli::{Done, Failure, Place};
use crate::control::{Request, WitnessRows};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a witness, which must know this log's key; a running server asks it from then on
    Add {
        /// What the policy calls it
        name: String,
        /// Its public key: name+id+base64, of type Ed25519 (0x04) or ML-DSA-44 (0x06)
        key: String,
        /// Its submission prefix, such as https://witness.example/
        url: String,
        /// How many witnesses must cosign: any, all or a number [default: as it is; at first more than half]
        #[arg(long, value_name = "COUNT")]
        quorum: Option<String>,
    },
    /// Each witness, what it has cosigned and why it did not
    Status,
}

pub(super) fn run(place: &Place, command: Command, output: &Output) -> Result<Done, Failure> {
    let request = match command {
        Command::Add { name, key, url, quorum } => Request::WitnessAdd { name, key, url, quorum },
        Command::Status => Request::WitnessStatus,
    };
    let rows: WitnessRows = call(place, request)?;
    output.facts(&rows, text)?;
    let standing = rows.refused.is_none() && (rows.witnesses.is_empty() || rows.quorum);
    Ok(if standing { Done::Good } else { Done::Refused })
}

fn text(rows: &WitnessRows) -> String {
    let mut text = format!("policy {}\n", rows.file);
    if let Some(refused) = &rows.refused {
        text.push_str(&format!("  NOT IN FORCE: {refused}\n"));
    }
    if rows.witnesses.is_empty() {
        text.push_str("no witnesses: whoever holds the log's key could show two histories, and nobody would notice\n");
        text.push_str("  add one: bulkhead ledger witness add NAME KEY URL");
        return text;
    }
    let lines: Vec<Vec<String>> = rows
        .witnesses
        .iter()
        .map(|row| {
            let size = row.cosigned.map_or_else(|| "-".to_owned(), |size| size.to_string());
            let at = row.at.map_or_else(|| "-".to_owned(), |at| at.to_string());
            vec![row.name.clone(), size, at, row.url.clone().unwrap_or_default(), row.error.clone().unwrap_or_default()]
        })
        .collect();
    text.push_str(&table(&["witness", "cosigned", "at", "address", "what is wrong"], &lines));
    let (signed, published) = (rows.signed, rows.published);
    text.push_str(&match rows.quorum {
        true => format!("\n\nquorum: the published checkpoint covers {published} of {signed} signed entries"),
        false => {
            format!("\n\nNO QUORUM yet: no checkpoint has been cosigned by enough of them; {signed} entries are signed")
        }
    });
    text
}
