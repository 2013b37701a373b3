//! `bulkhead policy`: check the file, reload it, explain a verdict.

use std::path::PathBuf;

use bulkhead_core::policy::Policy;
use clap::Subcommand;
use serde::Serialize;

use super::call::call;
use super::output::{Output, table};
use super::{Done, Failure, Place, explain};
use crate::app::Paths;
use crate::clock::Clock;
use crate::control::{Loaded, PolicyInForce, Request, RunRow, RunShown};
use crate::gate::runtime::suggest::{Did, suggest};

/// Check the policy, or explain a verdict
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a policy file as a whole: every error at once, with line and hint
    Check {
        /// The file [default: policy.toml in the data folder]
        file: Option<PathBuf>,
    },
    /// Say why a verdict was given and what would change it
    Explain(explain::Args),
    /// The smallest run profile under which a run would have worked. Credentials are never part of it
    Suggest {
        /// The run's id, or the beginning of it
        #[arg(long, value_name = "ID")]
        run: String,
    },
    /// The policy in force: its rules, and its exceptions with whether each had an effect
    Show,
    /// Read the policy file again now. A broken file keeps the policy before
    Reload,
}

#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    good: bool,
    rules: usize,
    exceptions: usize,
    own_rules: bool,
    warnings: Vec<String>,
    errors: Vec<String>,
}

pub(super) fn run(place: &Place, args: Args, output: &Output) -> Result<Done, Failure> {
    match args.command {
        Command::Check { file } => check(place, file, output),
        Command::Explain(args) => explain::run(place, args, output),
        Command::Suggest { run } => suggested(place, run, output),
        Command::Show => {
            let policy: PolicyInForce = call(place, Request::PolicyShow)?;
            output.facts(&policy, show)?;
            Ok(Done::Good)
        }
        Command::Reload => {
            let loaded: Loaded = call(place, Request::PolicyReload)?;
            output.facts(&loaded, |loaded| {
                format!("policy {} in force: {} rules (entry {})", &loaded.policy[..16], loaded.rules, loaded.entry)
            })?;
            Ok(Done::Good)
        }
    }
}

#[derive(Debug, Serialize)]
struct Suggested {
    run: String,
    profile: String,
    hosts: Vec<String>,
    withheld: Vec<String>,
}

fn suggested(place: &Place, run: String, output: &Output) -> Result<Done, Failure> {
    let shown: RunShown = call(place, Request::RunShow { id: run })?;
    let did = |row: &RunRow| {
        let line = &row.line;
        Some(Did { action: line.action, about: line.about.clone()?, rule: line.rule.clone() })
    };
    let did: Vec<Did> = shown.rows.iter().filter_map(did).collect();
    let suggestion = suggest(&did);
    let profile = toml::to_string(&suggestion.profile).map_err(anyhow::Error::new)?;
    let hosts = suggestion.hosts.into_iter().collect();
    let suggested = Suggested { run: shown.run.to_string(), profile, hosts, withheld: suggestion.withheld };
    output.facts(&suggested, |suggested| {
        let mut text = format!("# from run {}\n", suggested.run);
        for line in &suggested.withheld {
            text.push_str(&format!("# not given: {line}\n"));
        }
        if !suggested.hosts.is_empty() {
            let hosts: Vec<String> = suggested.hosts.iter().map(|host| format!("{host:?}")).collect();
            text.push_str(&format!(
                "# hosts are named in policy.toml, and not here:\n#   [settings]\n#   hosts = [{}]\n",
                hosts.join(", ")
            ));
        }
        text.push_str(&suggested.profile);
        text
    })?;
    Ok(Done::Good)
}

fn check(place: &Place, file: Option<PathBuf>, output: &Output) -> Result<Done, Failure> {
    let file = match file {
        Some(file) => file,
        None => Paths::new(&place.load()?.server.data).policy,
    };
    let text = crate::files::read_text(&file).map_err(|error| Failure::Usage(error.to_string()))?;
    let name = file.display().to_string();
    let checked = match Policy::parse(&text, &name) {
        Ok(policy) => Checked {
            file: name,
            good: true,
            rules: policy.rules().len(),
            exceptions: policy.exceptions().len(),
            own_rules: policy.has_own_rules(),
            warnings: warnings(&policy),
            errors: Vec::new(),
        },
        Err(errors) => {
            let errors = errors.to_string();
            Checked {
                file: name,
                good: false,
                rules: 0,
                exceptions: 0,
                own_rules: false,
                warnings: Vec::new(),
                errors: vec![errors],
            }
        }
    };
    output.facts(&checked, |checked| {
        if checked.good {
            let whose = if checked.own_rules { "" } else { " (the shipped ones: the file has settings only)" };
            let mut text =
                format!("{}: good, {} rules{whose}, {} exceptions", checked.file, checked.rules, checked.exceptions);
            for warning in &checked.warnings {
                text += &format!("\nwarning: {warning}");
            }
            text
        } else {
            checked.errors.join("\n")
        }
    })?;
    Ok(if checked.good { Done::Good } else { Done::Refused })
}

fn warnings(policy: &Policy) -> Vec<String> {
    let expired = policy.expired_exceptions(Clock.now());
    let expired = expired.map(|exception| {
        format!(
            "exception `{}` expired at {:.0} and has no effect: remove it, or renew it",
            exception.id, exception.expires
        )
    });
    policy.warnings().iter().map(ToString::to_string).chain(expired).collect()
}

fn show(policy: &PolicyInForce) -> String {
    let rules: Vec<Vec<String>> =
        policy.rules.iter().map(|rule| vec![rule.rule.clone(), rule.effect.to_string(), rule.when.clone()]).collect();
    let exceptions: Vec<Vec<String>> = policy
        .exceptions
        .iter()
        .map(|row| {
            vec![
                row.id.clone(),
                row.rule.clone(),
                row.subject.clone(),
                row.owner.clone(),
                format!("{:.0}", row.expires),
                row.state.clone(),
            ]
        })
        .collect();
    let mut text = format!(
        "policy {} (entry {})\n\n{}\n",
        &policy.policy[..16],
        policy.entry,
        table(&["rule", "effect", "when"], &rules)
    );
    if !exceptions.is_empty() {
        text += &format!("\n{}\n", table(&["exception", "rule", "subject", "owner", "expires", "state"], &exceptions));
    }
    text
}
