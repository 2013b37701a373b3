//! `bulkhead completions`: for the shells that people use.

use clap::CommandFactory;

use super::output::Output;
use super::{Cli, Done, Failure};

/// Print shell completions
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args, output: &Output) -> Result<Done, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "bulkhead", &mut script);
    output.text(&String::from_utf8_lossy(&script));
    Ok(Done::Good)
}
