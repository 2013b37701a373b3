//! The command line: one file per subcommand, parsed once here.
//!
//! Exit codes: 0 good, 1 refused or not verified, 2 wrong use.

mod asset;
mod call;
mod completions;
mod diff;
mod doctor;
mod drill;
mod evidence;
mod explain;
mod exposure;
mod feed;
mod inventory;
mod ledger;
mod output;
mod paint;
mod policy;
mod progress;
mod rejudge;
mod review;
mod run;
mod scan;
mod secret;
mod serve;
mod setup;
mod token;
mod watch;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bulkhead_core::{Duration, Problem};
use clap::{Parser, Subcommand};
use jiff::{SignedDuration, Timestamp};

use crate::app::Paths;
use crate::clock::Clock;
use crate::config::env::{self, Env};
use crate::config::{Config, Overrides};
use output::{Format, Output};

/// Keeps one breach from becoming everyone's.
#[derive(Debug, Parser)]
#[command(
    name = "bulkhead",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "\
Start with:  bulkhead serve          then point a client at it:  bulkhead setup pip
Exit codes:  0 good, 1 refused or not verified, 2 wrong use"
)]
struct Cli {
    #[command(flatten)]
    place: Place,

    #[command(subcommand)]
    command: Command,
}

/// Where Bulkhead keeps its data and reads its configuration.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Place {
    /// Folder of the ledger, the blobs and the database [default: ./bulkhead-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Configuration file [default: bulkhead.toml in the current folder, when there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// How facts are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gates
    Serve(serve::Args),
    /// Print, or write, what makes a package client go through Bulkhead
    Setup(setup::Args),
    /// Check that each installed client goes through Bulkhead, against a canary that must be refused
    Doctor(doctor::Args),
    /// Say which rule decided on a release, on which facts, and what would change it
    Explain(explain::Args),
    /// Look at what is there already: an archive, a folder, an environment, a lockfile or a release
    Scan(scan::Args),
    /// Show what one release can do that another could not
    Diff(diff::Args),
    /// Re-enact the breach that this answers, harmlessly, and show where each layer stops it
    Drill(drill::Args),
    /// Run a program contained, or show what was recorded of a run
    Run(run::Args),
    /// Look at what is held, and release or reject it
    Review(review::Args),
    /// Check the policy, or explain a verdict
    Policy(policy::Args),
    /// Judge what was let in once more, under today's detectors and rules, and say who has what now fails
    Rejudge(rejudge::Args),
    /// Say what exactly was exposed, with proof
    Exposure(Box<exposure::Args>),
    /// Raise what is already inside and was marked by a feed or a new judgement since
    Watch(watch::Args),
    /// Tell the ledger what is installed where
    Inventory(inventory::Args),
    /// Declare secrets, datasets and partners
    Asset(asset::Args),
    /// Verify, show or rebuild the ledger
    Ledger(ledger::Args),
    /// Import advisories
    Feed(feed::Args),
    /// Create, list and revoke the tokens that name clients
    Token(token::Args),
    /// Keep credentials outside of runs, sealed
    Secret(secret::Args),
    /// Print shell completions
    Completions(completions::Args),
    /// The process that reads archives, contained. Started by `serve`
    #[command(hide = true)]
    Worker,
}

/// How a command ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// Exit code 0.
    Good,
    /// Exit code 1: the command worked, and its answer is "refused" or "not verified".
    Refused,
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Exit code 2: the command was used wrongly.
    Usage(String),
    /// Exit code 1: a fault or a refusal with a code.
    Problem(Box<Problem>),
    /// Exit code 1: a fault or a refusal that the server told.
    Remote {
        /// The stable code.
        code: String,
        /// What.
        title: String,
        /// Why.
        detail: String,
        /// What to do next.
        help: String,
    },
    /// Exit code 1: anything else, with its chain of causes.
    Other(anyhow::Error),
}

impl Failure {
    /// As the cause of another failure.
    fn into_error(self) -> anyhow::Error {
        match self {
            Self::Other(error) => error,
            Self::Problem(problem) => anyhow::anyhow!("{problem}"),
            Self::Remote { code, detail, .. } => anyhow::anyhow!("{code}: {detail}"),
            Self::Usage(why) => anyhow::anyhow!(why),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// The whole program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let wrong = error.use_stderr();
            // A closed pipe is the only way this print fails, and then nobody reads it.
            drop(error.print());
            return ExitCode::from(if wrong { 2 } else { 0 });
        }
    };
    if matches!(cli.command, Command::Worker) {
        return crate::worker::child::run();
    }
    let output = Output::new(cli.place.format);
    if let Command::Drill(drill::Args { probe: Some(scene), .. }) = &cli.command {
        return crate::drill::probe::main(scene);
    }
    if let Command::Run(args) = cli.command {
        return run::main(&cli.place, args, &output);
    }
    match run(cli, &output) {
        Ok(Done::Good) => ExitCode::SUCCESS,
        Ok(Done::Refused) => ExitCode::from(1),
        Err(failure) => output.failure(&failure),
    }
}

fn run(cli: Cli, output: &Output) -> Result<Done, Failure> {
    let place = &cli.place;
    let exports = matches!(&cli.command, Command::Ledger(args) if args.exports());
    if matches!(place.format, Format::Jsonl | Format::Ocsf) && !exports {
        return Err(Failure::Usage(
            "only `bulkhead ledger export` writes jsonl and ocsf; use --format json".to_owned(),
        ));
    }
    match cli.command {
        Command::Serve(args) => serve::run(place, args, output),
        Command::Setup(args) => setup::run(place, &args, output),
        Command::Doctor(args) => doctor::run(place, &args, output),
        Command::Explain(args) => explain::run(place, args, output),
        Command::Scan(args) => scan::run(place, &args, output),
        Command::Diff(args) => diff::run(place, &args, output),
        Command::Review(args) => review::run(place, args, output),
        Command::Policy(args) => policy::run(place, args, output),
        Command::Rejudge(args) => rejudge::run(place, &args, output),
        Command::Exposure(args) => exposure::run(place, *args, output),
        Command::Watch(args) => watch::run(place, &args, output),
        Command::Inventory(args) => inventory::run(place, args, output),
        Command::Asset(args) => asset::run(place, args, output),
        Command::Ledger(args) => ledger::run(place, args, output),
        Command::Feed(args) => feed::run(place, args, output),
        Command::Token(args) => token::run(place, args, output),
        Command::Secret(args) => secret::run(place, args, output),
        Command::Completions(args) => completions::run(&args, output),
        // Decided in `main`, before anything else is set up.
        Command::Drill(args) => drill::run(&args, output),
        Command::Run(_) | Command::Worker => Ok(Done::Good),
    }
}

impl Place {
    /// The configuration: the file, then what the command line says.
    pub(crate) fn load(&self) -> Result<Config, Failure> {
        self.load_with(None)
    }

    /// The configuration, with the address from the command line.
    pub(crate) fn load_with(&self, listen: Option<SocketAddr>) -> Result<Config, Failure> {
        let overrides = Overrides { data: self.data.clone(), listen };
        Config::load(self.config.as_deref(), overrides).map_err(|errors| Failure::Usage(errors.to_string()))
    }

    /// The URL by which clients reach the server, with a trailing slash: what the configuration says, else where the
    /// server of this data folder listens or did last, else where it would.
    fn own_url(&self, config: &Config) -> String {
        let paths = Paths::new(&config.server.data);
        let told = || crate::files::read_text(&paths.address).ok().map(|text| text.trim().to_owned());
        let told = if config.server.url.is_none() { told() } else { None };
        told.filter(|url| !url.is_empty()).unwrap_or_else(|| config.server.own_url())
    }
}

/// That span from now.
fn from_now(span: Duration) -> Result<Timestamp, Failure> {
    let later = Clock.now().checked_add(SignedDuration::from_secs(span.as_seconds()));
    later.map_err(|_| Failure::Usage(format!("{span} from now is after the end of time")))
}

/// Whose cosignatures make a quorum (C2SP tlog-policy), from that file.
fn witness_policy(file: &Path) -> Result<bulkhead_ledger::WitnessPolicy, Failure> {
    let text = crate::files::read_text(file).map_err(anyhow::Error::new)?;
    let policy: Result<bulkhead_ledger::WitnessPolicy, _> = text.parse();
    policy.map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
}

/// The user who runs the command: who answers for a review unless told otherwise.
fn user() -> Result<String, Failure> {
    let env = Env::process();
    let named = env.text(env::SUDO_USER).or_else(|| env.text(env::USER)).or_else(|| env.text(env::LOGNAME));
    // In a container or a job the variables are often missing, and the table of users is there all the same.
    named
        .map(str::to_owned)
        .or_else(|| {
            name_of(rustix::process::getuid().as_raw(), &crate::files::read_text(Path::new("/etc/passwd")).ok()?)
        })
        .ok_or_else(|| Failure::Usage("nobody is logged in by name; say who answers for it with --owner".to_owned()))
}

/// The name of a user in the table of users (passwd(5)).
fn name_of(id: u32, table: &str) -> Option<String> {
    let mut rows = table.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let row = rows.find(|row| row.get(2).and_then(|field| field.parse().ok()) == Some(id))?;
    row.first().filter(|name| !name.is_empty()).map(|name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_user_is_found_by_number() {
        let table = "root:x:0:0:root:/root:/bin/bash\n:x:5:5::/:/bin/sh\nkim:x:1000:1000::/home/kim:/bin/sh\nbroken\n";
        assert_eq!(super::name_of(0, table).as_deref(), Some("root"));
        assert_eq!(super::name_of(1000, table).as_deref(), Some("kim"));
        assert_eq!(super::name_of(5, table), None);
        assert_eq!(super::name_of(7, table), None);
    }
}
