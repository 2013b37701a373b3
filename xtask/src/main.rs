//! `cargo xtask`: what a developer runs. CI runs the same command and nothing else.

use std::process::ExitCode;

use anyhow::{Result, bail};

mod bench_contain;
mod budget;
mod clients;
mod clones;
mod codegen;
mod deny;
mod eval;
mod oracles;
mod repository;
mod run;
mod test;
mod tidy;

const USAGE: &str = "\
cargo xtask <task>

  test [filter]   install the clients that the tests drive, then run every check and every test
  tidy            sizes, module and crate edges, dependency rows, hosts, words, fixtures
  budget          count the crates of the product against xtask/budget.toml
  deny            licences and bans of deny.toml (with cargo-deny, when installed, advisories too)
  codegen         write the generated documents anew
  eval ...        what the intake gate makes of malicious and benign archives (docs/evaluation.md)
  clones build    the index of known malicious campaigns anew (docs/evaluation.md)
  bench contain   what containment costs, in pairs with other sandboxes when installed
  clients         install the package clients into target/clients (or $BULKHEAD_CLIENTS) and stop
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test", filter @ ..] => test::all(filter),
        ["tidy"] => tidy::all(),
        ["budget"] => budget::check(),
        ["deny"] => deny::check(),
        ["codegen"] => codegen::write(),
        ["eval", words @ ..] => eval::run(words),
        ["clones", "build", words @ ..] => clones::build(words),
        ["bench", "contain"] => bench_contain::all(),
        ["clients"] => clients::install().map(drop),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        [other, ..] => bail!("no task `{other}`\n\n{USAGE}"),
    }
}
