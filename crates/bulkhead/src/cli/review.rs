//! `bulkhead review`: what is held, and what a person decides about it.

use bulkhead_core::Duration;
use clap::Subcommand;

use super::call::call;
use super::output::{Output, table};
use super::{Done, Failure, Place, explain};
use crate::control::{Held, Request, Reviewed};

/// Look at what is held, and release or reject it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What was refused and waits for a person
    List {
        /// Also what was released or rejected already
        #[arg(long)]
        all: bool,
    },
    /// One release: the rule, the facts, what would change it
    Show(explain::Args),
    /// Let a release through in spite of a rule, until a day. Recorded in the ledger with your name and reason
    Release {
        /// The release, such as pkg:pypi/litellm@1.82.6
        release: String,
        /// Why; it is kept for ever
        #[arg(long)]
        reason: String,
        /// For how long, such as 7d
        #[arg(long, value_name = "SPAN")]
        expires: Duration,
        /// Only this rule [default: each rule that holds it now]
        #[arg(long)]
        rule: Option<String>,
        /// Who answers for it [default: the user who runs the command]
        #[arg(long)]
        owner: Option<String>,
    },
    /// Refuse a release for good
    Reject {
        /// The release
        release: String,
        /// Why; it is kept for ever
        #[arg(long)]
        reason: String,
        /// Who answers for it [default: the user who runs the command]
        #[arg(long)]
        owner: Option<String>,
    },
}

pub(super) fn run(place: &Place, args: Args, output: &Output) -> Result<Done, Failure> {
    match args.command {
        Command::List { all } => {
            let held: Held = call(place, Request::ReviewList { all })?;
            output.facts(&held, list)?;
            Ok(Done::Good)
        }
        Command::Show(args) => explain::run(place, args, output),
        Command::Release { release, reason, expires, rule, owner } => {
            let expires = super::from_now(expires)?;
            let owner = owner.map_or_else(super::user, Ok)?;
            let reviewed: Reviewed =
                call(place, Request::ReviewRelease { subject: release, rule, reason, owner, expires })?;
            output.facts(&reviewed, |reviewed| {
                let until = reviewed.expires.map_or_else(String::new, |at| format!(" until {at:.0}"));
                format!(
                    "released {}{until} from {} (entry {})",
                    reviewed.purl,
                    reviewed.rules.join(", "),
                    reviewed.entry
                )
            })?;
            Ok(Done::Good)
        }
        Command::Reject { release, reason, owner } => {
            let owner = owner.map_or_else(super::user, Ok)?;
            let reviewed: Reviewed = call(place, Request::ReviewReject { subject: release, reason, owner })?;
            output.facts(&reviewed, |reviewed| format!("rejected {} (entry {})", reviewed.purl, reviewed.entry))?;
            Ok(Done::Good)
        }
    }
}

fn list(held: &Held) -> String {
    if held.items.is_empty() {
        return "nothing waits for a review".to_owned();
    }
    let rows: Vec<Vec<String>> = held
        .items
        .iter()
        .map(|item| {
            vec![
                item.verdict.clone(),
                item.effect.to_string(),
                item.rule.clone(),
                item.file.clone().unwrap_or_else(|| item.purl.clone()),
                item.asked.to_string(),
                format!("{:.0}", item.last),
                item.state.clone(),
            ]
        })
        .collect();
    let table = table(&["verdict", "effect", "rule", "file", "asked", "last", "state"], &rows);
    format!(
        "{table}\n\nsee one:  bulkhead review show VERDICT      release:  bulkhead review release PURL --reason ... --expires 7d"
    )
}
