//! `bulkhead asset`: what people declare about secrets, datasets and partners.

use std::path::PathBuf;

use clap::Subcommand;

use super::call::call;
use super::output::Output;
use super::{Done, Failure, Place};
use crate::control::Request;
use crate::estate::{Recorded, Submission, assets};

/// Declare secrets, datasets, partners, and how they hang together
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read assets.toml and put it in the place of what was declared before
    Import {
        /// The file
        file: PathBuf,
        /// Who answers for it [default: the user who runs the command]
        #[arg(long)]
        owner: Option<String>,
    },
}

pub(super) fn run(place: &Place, args: Args, output: &Output) -> Result<Done, Failure> {
    let Command::Import { file, owner } = args.command;
    let text = crate::files::read_text(&file).map_err(anyhow::Error::new)?;
    let assets = assets::parse(&text).map_err(|mistakes| {
        Failure::Usage(format!("{} was not imported:\n  {}", file.display(), mistakes.join("\n  ")))
    })?;
    let count = assets.len();
    let principal = owner.map_or_else(super::user, Ok)?;
    let submission = Box::new(Submission::Assets { assets });
    let recorded: Recorded = call(place, Request::Tell { principal, submission })?;
    output.facts(&recorded, |recorded| {
        let entries: Vec<String> = recorded.entries.iter().map(ToString::to_string).collect();
        format!("declared {count} assets and grants in the place of those before (entries {})", entries.join(", "))
    })?;
    Ok(Done::Good)
}
