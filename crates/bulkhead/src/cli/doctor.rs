//! `bulkhead doctor`: does each installed client really go through Bulkhead?

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::Serialize;

use super::output::{Output, table};
use super::{Done, Failure, Place};
use crate::gate::intake::canary::{DIGEST, PROJECT};

/// Check that each installed client goes through Bulkhead, against a canary that must be refused
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this client: pip, uv, poetry or pdm
    #[arg(long)]
    client: Option<String>,
}

/// How long a client may take.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Debug, Serialize)]
struct Checkup {
    clients: Vec<Finding>,
    good: bool,
}

#[derive(Debug, Serialize)]
struct Finding {
    client: &'static str,
    version: Option<String>,
    /// `through`, `around`, `not installed` or `unknown`.
    result: &'static str,
    why: String,
}

/// A client, how it tells its version, and how it is made to ask for the canary from an empty folder.
struct Client {
    name: &'static str,
    /// How it is started; the first that tells a version counts.
    starts: &'static [&'static [&'static str]],
    ask: &'static [&'static str],
    /// What it needs to find in the folder.
    project: Option<&'static str>,
}

const CLIENTS: [Client; 4] = [
    Client {
        name: "pip",
        // An environment may have a python3 without pip in front of the pip that the developer uses, or only the module.
        starts: &[&["pip"], &["python3", "-m", "pip"]],
        ask: &["download", "--no-deps", "--no-cache-dir", "--no-input", "--dest", "out", PROJECT],
        project: None,
    },
    Client {
        name: "uv",
        starts: &[&["uv"]],
        ask: &["pip", "install", "--no-cache", "--no-deps", "--target", "out", PROJECT],
        project: None,
    },
    Client {
        name: "poetry",
        starts: &[&["poetry"]],
        ask: &["--no-interaction", "--no-cache", "lock"],
        project: Some(
            "[project]\nname = \"checkup\"\nversion = \"0\"\nrequires-python = \">=3.9\"\ndependencies = [\"bulkhead-doctor-canary\"]\n",
        ),
    },
    Client {
        name: "pdm",
        starts: &[&["pdm"]],
        ask: &["lock", "--no-isolation"],
        project: Some(
            "[project]\nname = \"checkup\"\nversion = \"0\"\nrequires-python = \">=3.9\"\ndependencies = [\"bulkhead-doctor-canary\"]\n",
        ),
    },
];

pub(super) fn run(place: &Place, args: &Args, output: &Output) -> Result<Done, Failure> {
    super::run::finish_dead(place, output)?;
    let own = place.own_url(&place.load()?);
    let wanted = |client: &&Client| args.client.as_deref().is_none_or(|name| name == client.name);
    let mut clients = Vec::new();
    for client in CLIENTS.iter().filter(wanted) {
        output.note(&format!("asking {} for the canary ...", client.name));
        clients.push(examine(client, &own)?);
    }
    if clients.is_empty() {
        return Err(Failure::Usage("--client takes pip, uv, poetry or pdm".to_owned()));
    }
    let good = clients.iter().all(|found| matches!(found.result, "through" | "not installed"));
    let checkup = Checkup { clients, good };
    output.facts(&checkup, text)?;
    Ok(if checkup.good { Done::Good } else { Done::Refused })
}

fn text(checkup: &Checkup) -> String {
    let rows: Vec<Vec<String>> = checkup
        .clients
        .iter()
        .map(|found| {
            let result = match found.result {
                "through" => "goes through Bulkhead".to_owned(),
                "around" => format!("goes around it, because {}", found.why),
                "not installed" => "not installed".to_owned(),
                _ => format!("could not be told, because {}", found.why),
            };
            vec![found.client.to_owned(), found.version.clone().unwrap_or_else(|| "-".to_owned()), result]
        })
        .collect();
    table(&["client", "version", "result"], &rows)
}

fn examine(client: &Client, own: &str) -> Result<Finding, Failure> {
    let folder = Scratch::new()?;
    let told = client.starts.iter().find_map(|start| {
        let version = said(&[start, ["--version"].as_slice()].concat(), &folder.0)?;
        Some((*start, number(&version)?))
    });
    let Some((start, version)) = told else {
        return Ok(Finding { client: client.name, version: None, result: "not installed", why: String::new() });
    };
    if let Some(project) = client.project {
        // poetry keeps its index in the project, so the sources of the one in this folder are what is examined.
        let sources = if client.name == "poetry" { poetry_sources() } else { String::new() };
        let file = folder.0.join("pyproject.toml");
        crate::files::replace(&file, format!("{project}\n{sources}").as_bytes(), 0o600).map_err(anyhow::Error::new)?;
    }
    let answer = said(&[start, client.ask].concat(), &folder.0);
    let (result, why) = match answer {
        None => ("unknown", format!("it did not answer within {} seconds", PATIENCE.as_secs())),
        Some(answer) if answer.contains("Blocked by Bulkhead") || answer.contains("intake-advisory-malicious") => {
            ("through", String::new())
        }
        // poetry and pdm print the status only; nobody else lists the project, so its address in the error is ours.
        Some(answer) if answer.contains("403") && answer.contains("/pypi/files/bulkhead-doctor-canary/") => {
            ("through", String::new())
        }
        // pdm locks by the page alone, without the metadata that it is refused: the digest of a file that exists nowhere.
        Some(_) if locked(&folder.0) => ("through", String::new()),
        Some(answer) if refused_connection(&answer) => {
            ("unknown", format!("nothing answers at {own}: is the server running?"))
        }
        // A client that failed for a reason of its own has not shown where it goes.
        Some(answer) if !found_nothing(&answer) => ("unknown", format!("it failed by itself: {}", last_line(&answer))),
        Some(_) => ("around", format!("its index is another; mend it with: bulkhead setup {} --write", client.name)),
    };
    Ok(Finding { client: client.name, version: Some(version), result, why })
}

/// Whether the client wrote a lockfile that names the canary's file.
fn locked(folder: &Path) -> bool {
    crate::files::read_text(&folder.join("pdm.lock")).is_ok_and(|lock| lock.contains(&DIGEST.to_hex()))
}

/// The version in what a client says of itself; nothing in `No module named pip`.
fn number(said: &str) -> Option<String> {
    let word = said.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    Some(word.trim_matches([',', ')']).to_owned())
}

fn refused_connection(answer: &str) -> bool {
    ["Connection refused", "ConnectError", "Could not connect", "Max retries exceeded"]
        .iter()
        .any(|word| answer.contains(word))
}

/// How the clients say that no index has such a project.
fn found_nothing(answer: &str) -> bool {
    let answer = answer.to_ascii_lowercase();
    let words = [
        "no matching distribution",
        "was not found in the package registry",
        "not found in the provided package locations",
        "no versions of",
        "doesn't match any versions",
        "could not find a matching version",
        "no candidate is found",
        "unable to find candidates",
    ];
    words.iter().any(|word| answer.contains(word))
}

/// The last thing that a client said that is not a hint.
fn last_line(answer: &str) -> String {
    let mut lines = answer.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("WARNING"));
    lines.next_back().unwrap_or("nothing").chars().take(160).collect()
}

/// The `[[tool.poetry.source]]` tables of the project in this folder.
fn poetry_sources() -> String {
    let Ok(text) = crate::files::read_text(Path::new("pyproject.toml")) else { return String::new() };
    let mut taking = false;
    let lines = text.lines().filter(|line| {
        if line.trim_start().starts_with('[') {
            taking = line.trim() == "[[tool.poetry.source]]";
        }
        taking
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Everything that a command prints; nothing when it is not there or takes too long. It runs with the user's own
/// environment and configuration, because those are what is examined.
fn said(words: &[&str], folder: &Path) -> Option<String> {
    let (program, arguments) = words.split_first()?;
    #[expect(clippy::disallowed_methods, reason = "the user's own clients are examined, in the user's own environment")]
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().ok()?;
    let id = child.id();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // The receiver is gone only after a time-out, when nobody wants the text any more.
        drop(sender.send(child.wait_with_output()));
    });
    match receiver.recv_timeout(PATIENCE) {
        Ok(Ok(output)) => {
            let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            Some(format!("{out}\n{error}"))
        }
        Ok(Err(_)) => None,
        Err(_) => {
            let id = rustix::process::Pid::from_raw(i32::try_from(id).ok()?)?;
            if rustix::process::kill_process(id, rustix::process::Signal::KILL).is_err() {
                tracing::debug!("the client ended by itself just now; its answer came too late all the same");
            }
            None
        }
    }
}

/// A folder for one examination, removed afterwards.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let name = crate::store::TokenText::generate().map_err(anyhow::Error::new)?;
        let unique: String = name.reveal().chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        let folder = std::env::temp_dir().join(format!("bulkhead-doctor-{unique}"));
        crate::files::make_folder(&folder).map_err(anyhow::Error::new)?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is in the system's own folder for such things.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests;
