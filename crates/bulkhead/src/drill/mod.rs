//! The re-enactment: the steps of the breach of March 2026 that a process takes on a machine, each harmless, bare and contained.
//!
//! A throw-away home full of decoys, a victim project, collectors on loopback, and a probe that does what the payload did and
//! sends nothing but the word DRILL. Judged is never by what the probe says: what left is what a collector received, what
//! persisted is what is on the disk afterwards, what was read is what a decoy's own digest proves, and each refusal must
//! have its entry in the ledger. A control run, uncontained, must succeed at every step, or the row is void.

pub mod host;
pub mod html;
pub mod intake;
pub mod probe;
pub mod scene;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;

use crate::control::{RunRow, RunShown};
use scene::{Found, Scene};

/// What is tried: row by row, in the order of the breach.
pub const ROWS: &[Row] = &[
    row(3, "start", "wheel", "install a release whose .pth runs at every start", GATE),
    row(4, "collect", "ssh", "read ~/.ssh/id_ed25519", "~/.ssh/id_ed25519"),
    row(4, "collect", "aws", "read ~/.aws/credentials", "~/.aws/credentials"),
    row(4, "collect", "kube", "read ~/.kube/config", "~/.kube/config"),
    row(4, "collect", "gcloud", "read ~/.config/gcloud/credentials.db", "~/.config/gcloud/credentials.db"),
    row(4, "collect", "azure", "read ~/.azure/accessTokens.json", "~/.azure/accessTokens.json"),
    row(4, "collect", "docker", "read ~/.docker/config.json", "~/.docker/config.json"),
    row(4, "collect", "netrc", "read ~/.netrc", "~/.netrc"),
    row(4, "collect", "history", "read ~/.bash_history", "~/.bash_history"),
    row(4, "collect", "wallet", "read ~/.ethereum/keystore", "~/.ethereum/keystore"),
    row(4, "collect", "dotenv", "read the project's .env", ".env"),
    row(4, "collect", "environment", "read OPENAI_API_KEY", "OPENAI_API_KEY"),
    row(4, "collect", "environ", "read another process's environment", "witness read the environment of process 1"),
    row(4, "collect", "metadata", "ask the cloud's metadata service", "169.254.169.254:80"),
    row(4, "collect", "echo", "have the allowed host repeat the API key", USED),
    row(6, "send", "host", "send to a host that policy does not name", "collector.drill.test:80"),
    row(6, "send", "lookalike", "send over TLS to a look-alike of the allowed host", "api-drill.test:443"),
    row(6, "send", "front", "name another host in the request than in TLS", "api.drill.test:443 host-disagrees"),
    row(6, "send", "key", "send the API key to a host that it is not for", "elsewhere.drill.test:80 secret-misuse"),
    row(6, "send", "dns", "carry data out in a name", "udp 127.0.0.3:"),
    row(6, "send", "tcp", "send to a collector over TCP", "127.0.0.1:"),
    row(6, "send", "tcp-other", "send to another address on the same port", "127.0.0.2:"),
    row(6, "send", "udp", "send a datagram", "udp 127.0.0.1:"),
    row(7, "persist", "sysmon", "write ~/.config/sysmon/sysmon.py", "~/.config/sysmon/sysmon.py"),
    row(7, "persist", "unit", "write a systemd user unit", "~/.config/systemd/user/sysmon.service"),
    row(7, "persist", "bashrc", "append to ~/.bashrc", "~/.bashrc"),
    row(7, "persist", "pth", "write a .pth into the project's .venv", "drill.pth"),
    row(7, "persist", "hook", "write a git hook", ".git/hooks/post-checkout"),
    row(7, "persist", "plant", "write editor configuration where there was none", "src/new/.vscode planted"),
    row(7, "persist", "bus", "call the user's bus", "bus.sock"),
    row(8, "spread", "token", "read a service account's token", "var/run/secrets"),
    row(8, "spread", "io-uring", "set up a ring behind the filters", "witness io_uring_setup"),
    row(8, "spread", "keyctl", "reach the session's keys", "witness keyctl"),
    row(8, "spread", "namespace", "make a user namespace", "witness unshare a user namespace"),
    row(8, "spread", "forks", "start processes without end", "witness limit processes"),
    row(8, "spread", "signal", "signal a process outside", "witness signal the parent process"),
];

/// Refusals of which the kernel leaves no trace: this very attempt is made by the run itself before it starts, and is written
/// down there.
const WITNESS: &str = "witness ";

/// Nothing is refused there: the secret's use is on record, and what came back is scrubbed.
const USED: &str = "secret drill";

/// Refused at the gate, before there is a run.
const GATE: &str = "-";

/// What is not stopped, said every time.
pub const NOT_STOPPED: &[&str] = &[
    "data of the work directory that is sent to a host which policy allows",
    "a secret that a profile gives to the program",
    "a fault of the kernel, and root on this machine",
    "the use of processor and memory, within the limits",
    "code that is in the work directory and is started by somebody outside of a run",
];

/// One step.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The step of the breach, in INCIDENT.md's numbers.
    pub step: u8,
    /// Its name.
    pub phase: &'static str,
    /// The probe's word.
    pub id: &'static str,
    /// In words.
    pub what: &'static str,
    /// What an entry about it says.
    entry: &'static str,
}

const fn row(step: u8, phase: &'static str, id: &'static str, what: &'static str, entry: &'static str) -> Row {
    Row { step, phase, id, what, entry }
}

impl Row {
    /// Whether the attempt begins with a socket of that kind.
    fn needs(&self, kind: &str) -> bool {
        let words = match self.id {
            "udp" | "dns" => "datagram IPv4",
            "bus" => "stream unix",
            "metadata" | "echo" => "stream IPv4",
            _ if self.phase == "send" => "stream IPv4",
            _ => return false,
        };
        kind.starts_with(words)
    }
}

/// How one row came out in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    /// The probe had its way.
    Succeeded,
    /// It did not, and the ledger says so.
    Refused,
    /// It did not, and nobody would know.
    Unrecorded,
}

/// One row of the answer to what was exposed.
#[derive(Debug, Clone, Serialize)]
pub struct Exposed {
    /// Artifact, host, run, secret and so on.
    pub stage: String,
    /// Which.
    pub name: String,
    /// Touched, within reach, not reachable, unknown.
    pub grade: String,
    /// Why.
    pub why: String,
}

/// One row of the report.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// The step.
    pub step: u8,
    /// Its name.
    pub phase: &'static str,
    /// The row's name.
    pub id: &'static str,
    /// In words.
    pub what: &'static str,
    /// Whether the control run succeeded; a row for which it did not is void.
    pub control: bool,
    /// In a contained run.
    pub contained: Came,
    /// Layers that stop it alone.
    pub stopped_by: Vec<String>,
}

/// The whole report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Row by row.
    pub rows: Vec<Told>,
    /// The layers that were on.
    pub layers: Vec<String>,
    /// What was left out.
    pub without: Vec<String>,
    /// Whether the project still works inside: a file of its own was written.
    pub work_done: bool,
    /// Whether the host that policy names was reached from inside.
    pub host_reached: bool,
    /// Whether it got the real key, which no run has.
    pub key_served: bool,
    /// Whether the question "which runs had the release in reach?" names the run.
    pub run_named: bool,
    /// What the poisoned release exposed, as `bulkhead exposure` answers afterwards.
    pub exposed: Vec<Exposed>,
    /// One byte of the ledger changed, and verification fails.
    pub tamper_seen: bool,
    /// How long all of it took, in seconds.
    pub seconds: u64,
    /// What is not stopped.
    pub not_stopped: Vec<String>,
    /// Every row held.
    pub good: bool,
}

impl Report {
    /// What must work inside and afterwards, in words.
    pub fn works(&self) -> [(&'static str, bool); 6] {
        [
            ("the project's own work is done", self.work_done),
            ("the host that policy names is reached", self.host_reached),
            ("it gets the real key, which no run has", self.key_served),
            ("which runs had the poisoned release in reach: the run is named", self.run_named),
            ("one byte of the ledger changed: verification fails", self.tamper_seen),
            ("all of it within a minute", self.seconds < MOST_SECONDS),
        ]
    }
}

/// Layers that are shown alone.
const ALONE: &[&str] = &["files", "network", "processes", "tripwires", "syscalls", "landlock", "environment", "limits"];
/// What is a part of another layer, and so is never alone: the network's way out, and the secrets on it.
const PARTS: &[&str] = &["egress", "broker"];

/// How long it may take: what takes longer is not run before every change.
pub const MOST_SECONDS: u64 = 60;

/// Runs the drill with that program as Bulkhead. `without` are layers to leave out; `accept` names what the kernel may lack;
/// `quick` leaves out the runs with single layers.
///
/// # Errors
/// When the scene cannot be made or a run cannot be started: that is no verdict.
pub fn run(program: &Path, without: &[String], accept: &[String], quick: bool) -> anyhow::Result<Report> {
    let began = Instant::now();
    let scene = Scene::make()?;
    let control = {
        let mut bare = command(&scene.payload);
        bare.args(["drill", "--probe"]).arg(&scene.script).envs(scene.environment()).current_dir(&scene.work);
        as_victim(&mut bare);
        finish(bare, "the control run")?;
        scene.found()?
    };
    let gate = intake::ask(program, &scene)?;
    scene.prepare(program)?;
    let full = contained(program, &scene, without, accept, None)?;
    let run = full.1.0.run.to_string();
    let exposed = scene.exposed(program)?;
    let run_named = exposed.iter().any(|row| row.stage == "run" && row.name == run);
    let mut alone: BTreeMap<&str, Found> = BTreeMap::new();
    if !quick && without.is_empty() {
        let lacking = bulkhead_contain::lacking();
        for layer in ALONE.iter().filter(|layer| **layer != "tripwires" || !lacking.contains(&"fuse")) {
            alone.insert(layer, contained(program, &scene, &[], accept, Some(layer))?.0);
        }
    }
    let tamper_seen = scene.tamper(program)?;
    let (found, entries) = full;
    let rows: Vec<Told> = ROWS
        .iter()
        .map(|row| {
            if row.entry == GATE {
                return at_the_gate(row, gate);
            }
            let contained = match (found.has(row.id), entries.says(row)) {
                (true, _) => Came::Succeeded,
                (false, true) => Came::Refused,
                (false, false) => Came::Unrecorded,
            };
            let stopped_by = alone.iter().filter(|(_, found)| !found.has(row.id)).map(|(layer, _)| (*layer).to_owned());
            Told {
                step: row.step,
                phase: row.phase,
                id: row.id,
                what: row.what,
                control: control.has(row.id),
                contained,
                stopped_by: stopped_by.collect(),
            }
        })
        .collect();
    let layers =
        ALONE.iter().chain(PARTS).map(|layer| (*layer).to_owned()).filter(|layer| !without.contains(layer)).collect();
    let host_reached = found.has("allowed");
    let key_served = found.has("served");
    let mut report = Report {
        rows,
        layers,
        without: without.to_vec(),
        work_done: found.work_done,
        host_reached,
        key_served,
        run_named,
        exposed,
        tamper_seen,
        seconds: began.elapsed().as_secs(),
        not_stopped: NOT_STOPPED.iter().map(|text| (*text).to_owned()).collect(),
        good: false,
    };
    let works = report.works().iter().all(|(_, works)| *works);
    report.good = works && report.rows.iter().all(|row| row.control && row.contained == Came::Refused);
    Ok(report)
}

fn at_the_gate(row: &Row, gate: intake::Came) -> Told {
    let contained = match (gate.let_in, gate.recorded) {
        (true, _) => Came::Succeeded,
        (false, true) => Came::Refused,
        (false, false) => Came::Unrecorded,
    };
    let Row { step, phase, id, what, .. } = *row;
    Told { step, phase, id, what, control: gate.control, contained, stopped_by: vec!["intake".to_owned()] }
}

/// What the ledger says of one run.
struct Entries(RunShown);

impl Entries {
    fn says(&self, row: &Row) -> bool {
        let rows = &self.0.rows;
        match row.entry {
            USED => rows
                .iter()
                .any(|entry| entry.line.detail.get("list").is_some_and(|list| list.lines().any(|line| line == USED))),
            attempt if attempt.starts_with(WITNESS) => {
                let attempt = format!("{}:", &attempt[WITNESS.len()..]);
                let tried = |entry: &RunRow| entry.line.detail.get("witnessed").cloned().unwrap_or_default();
                // Each line is a layer and what was tried; what was not refused would have stopped the start.
                rows.iter().any(|entry| {
                    tried(entry)
                        .lines()
                        .any(|line| line.split_once(' ').is_some_and(|(_, what)| what.starts_with(&attempt)))
                })
            }
            "OPENAI_API_KEY" => rows.iter().any(|entry| {
                entry.line.detail.get("stripped").is_some_and(|names| names.split(' ').any(|name| name == row.entry))
            }),
            about => rows.iter().any(|entry| {
                let refused = entry.line.effect != bulkhead_core::Effect::Allow;
                // Without a network of its own the run has not even the socket, and where it was to lead nobody will know.
                if refused
                    && entry.line.rule == "socket-kind"
                    && entry.line.about.as_deref().is_some_and(|kind| row.needs(kind))
                {
                    return true;
                }
                let text = format!("{} {}", entry.line.about.as_deref().unwrap_or_default(), entry.line.rule);
                refused && text.contains(about)
            }),
        }
    }
}

fn contained(
    program: &Path,
    scene: &Scene,
    without: &[String],
    accept: &[String],
    only: Option<&str>,
) -> anyhow::Result<(Found, Entries)> {
    scene.reset()?;
    let mut run = command(program);
    run.arg("--data").arg(&scene.data).arg("--config").arg(&scene.config);
    run.args(["run", "--profile"]).arg(&scene.profile);
    for layer in without {
        run.args(["--without", layer]);
    }
    if !accept.is_empty() {
        run.arg(format!("--accept-degraded={}", accept.join(",")));
    }
    if let Some(only) = only {
        run.args(["--only", only]);
    }
    let own_network = !without.iter().any(|layer| layer == "network") && only.is_none_or(|only| only == "network");
    let script = if own_network { &scene.script_inside } else { &scene.script };
    run.arg("--").arg(&scene.payload).args(["drill", "--probe"]).arg(script);
    run.envs(scene.environment()).current_dir(&scene.work);
    let said = finish(run, "a contained run")?;
    // `bulkhead: run ID profile ...` is the first line.
    let id = said.split_whitespace().skip_while(|word| *word != "run").nth(1).context("the run names no id")?;
    let mut show = command(program);
    show.arg("--data").arg(&scene.data).args(["--format", "json", "run", "show", id]);
    let shown = show.stderr(Stdio::inherit()).output()?;
    let shown = serde_json::from_slice(&shown.stdout).context("what the ledger says of the run is not understood")?;
    Ok((scene.found()?, Entries(shown)))
}

#[expect(clippy::disallowed_methods, reason = "the drill starts this very program: bare as a control, and contained")]
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command
}

/// An ordinary user, also when root runs the drill.
fn as_victim(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    if rustix::process::geteuid().is_root() {
        command.uid(scene::NOBODY).gid(scene::NOBODY);
    }
}

/// The probe ends with 0 whatever came of its attempts; its standard error holds Bulkhead's own lines.
fn finish(mut command: Command, what: &str) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("{what} cannot be started"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(output.status.success(), "{what} ended with {}\n{said}", output.status);
    Ok(said)
}
