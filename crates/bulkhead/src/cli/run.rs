//! `bulkhead run`: a program, contained; and what was recorded of one.

mod egress;
mod keeper;
mod show;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use bulkhead_contain::{Layer, Layers, RunEnd};
use bulkhead_core::{Action, Effect, RunId};
use clap::Subcommand;

use super::call::call;
use super::output::Output;
use super::{Failure, Place};
use crate::clock::Clock;
use crate::config::env::{self, Env};
use crate::control::{Recorded, Request};
use crate::gate::egress::supervise;
use crate::gate::runtime::plan::{self, Caller, Command as Program};
use crate::gate::runtime::profile::Profile;
use crate::gate::runtime::record::{RunLine, Scene, Sink, Totals};
use crate::gate::runtime::{self, aside, network};
use egress::{Reach, Way};

/// Run a program contained: it sees no credentials, reaches no host that policy does not name, and leaves nothing behind
/// outside its work directory
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
The exit code is the program's own; 125 when the run could not be contained, 127 when there is no such program."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    /// Refuse nothing but credentials, and write down everything else that would have been refused
    #[arg(long)]
    observe: bool,

    /// What this run may do beyond the default
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,

    /// Names of what this kernel lacks that the run may start without, such as fuse
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    accept_degraded: Vec<String>,

    /// A layer to leave out, to see what it does: files, network, processes, tripwires, syscalls, landlock, evidence,
    /// environment
    #[arg(long, value_name = "LAYER", hide = true)]
    without: Vec<String>,

    /// Only the layers named, to see what each does alone
    #[arg(long, value_name = "LAYERS", value_delimiter = ',', hide = true)]
    only: Option<Vec<String>>,

    /// Say what this machine offers, and stop
    #[arg(long)]
    check: bool,

    /// Print neither the first nor the last line
    #[arg(long, short)]
    quiet: bool,

    /// The program and its arguments
    #[arg(last = true, required_unless_present = "check", value_name = "COMMAND")]
    program: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything that was recorded of a run
    Show {
        /// The run's id, or the beginning of it [default: the newest run]
        id: Option<String>,
    },
    /// The newest runs: when, who, what, how it ended, and how much was refused
    List {
        /// How many
        #[arg(long, default_value_t = 20, value_name = "COUNT")]
        last: usize,
    },
}

/// Runs. The exit code is the program's, so that this replaces it wherever it is started.
pub(super) fn main(place: &Place, args: Args, output: &Output) -> ExitCode {
    let done = match args.command {
        Some(Command::Show { id }) => show::show(place, id, output).map(|_| ExitCode::SUCCESS),
        Some(Command::List { last }) => show::list(place, last, output).map(|_| ExitCode::SUCCESS),
        None if args.check => check(output),
        None => contained(place, &args, output),
    };
    done.unwrap_or_else(|failure| match output.failure(&failure) {
        usage if matches!(failure, Failure::Usage(_)) => usage,
        _ => ExitCode::from(125),
    })
}

fn contained(place: &Place, args: &Args, output: &Output) -> Result<ExitCode, Failure> {
    let config = place.load()?;
    // Made before anything is looked at: what is not there cannot be kept out of sight, and it may lie in the work directory.
    crate::files::make_folder(&config.server.data).map_err(anyhow::Error::new)?;
    let (profile, digest) = read_profile(args)?;
    let name = if args.observe { "observe".to_owned() } else { profile.called(args.profile.as_deref()) };
    let accepted = accepted(args)?;
    let layers = layers(args, &accepted)?;
    let run = runtime::new_run_id(Clock.now())?;
    let (caller, strip) = (caller(&config.server.data, accepted.contains(&"fuse"))?, !leaves_out(args, "environment"));
    let mut words = args.program.iter().cloned();
    let program = Program { program: words.next().unwrap_or_default(), args: words.collect() };
    let (watcher, late) = plan::late_watcher();
    let plan = plan::plan(run, &caller, program, &profile, layers, watcher);
    let mut plan = plan.map_err(|why| Failure::Usage(why.to_string()))?;
    plan.launch.accepted = accepted.iter().map(|name| (*name).to_owned()).collect();
    plan.notes.extend(accepted.iter().map(|name| format!("accepted without {name}: {}", lost(name).1)));
    if !strip {
        plan.launch.env = caller.environment.clone();
        plan.stripped.clear();
    }
    let reach = if layers.has(Layer::Network) { Reach::prepare(place, &config, run, &mut plan)? } else { None };
    let doors = reach.as_ref().map(|reach| if reach.has_secrets() { vec!["egress", "broker"] } else { vec!["egress"] });

    // From here to the start there is one thread: the launcher forks.
    let mut prepared = bulkhead_contain::start(plan.launch.clone()).map_err(|why| not_contained(&why))?;
    let open: Vec<String> = prepared
        .witnessed()
        .iter()
        .filter(|seen| !seen.held)
        .map(|seen| format!("{}: {}", seen.layer, seen.what))
        .collect();
    if !open.is_empty() {
        return Err(Failure::Other(anyhow::anyhow!(
            "not started: what must be refused inside was not\n  {}\n  help: bulkhead run --check",
            open.join("\n  ")
        )));
    }
    let principal = super::user().unwrap_or_else(|_| bulkhead_core::Principal::LOCAL.to_owned());
    let net = prepared.take_net();
    let way = reach.map(|reach| Way::open(place, &config).map(|way| (reach, way))).transpose()?;
    let started = Clock.now();
    let missing = Layer::ALL.into_iter().filter(|layer| !layers.has(*layer)).map(Layer::as_str);
    let degraded: Vec<&str> = if args.observe { Vec::new() } else { missing.collect() };
    let start = RunLine { digest: Some(plan.environment_digest()), ..RunLine::plain(Action::Run) }
        .with("start", started.to_string())
        .with("host", host())
        .with("command", plan::base_name(&plan.launch.program))
        .with("profile", name.clone())
        .with("profile-digest", digest.to_hex())
        .with("enforced", prepared.enforced().in_force.join("; "))
        .with(
            "passed-over",
            prepared.enforced().missing.len().checked_sub(1).map_or(String::new(), |more| (more + 1).to_string()),
        )
        .with(
            "witnessed",
            prepared
                .witnessed()
                .iter()
                .map(|seen| format!("{} {}", seen.layer, seen.what))
                .collect::<Vec<_>>()
                .join("\n"),
        )
        .with("degraded", degraded.join(" "))
        .with("accepted", accepted.join(" "))
        .with("lost", accepted.iter().map(|name| format!("{name}: {}", lost(name).1)).collect::<Vec<_>>().join("\n"))
        .with("stripped", plan.stripped.join(" "))
        .with("installed", plan.installed.len().to_string());
    // Nothing is permitted without a record: the program starts when this entry is durable.
    write(place, run, &principal, &[start])?;

    let scene = Scene {
        work_dir: plan.launch.work_dir.clone(),
        home: plan.home.clone(),
        writable: plan.launch.files.writable.iter().cloned().chain(plan.downloads()).collect(),
        observe: args.observe,
        caught: net.as_ref().map(|net| net.caught.clone()),
    };
    let (recorder, writing) =
        runtime::record::Recorder::start(scene, sink(place, run, &principal)).map_err(anyhow::Error::new)?;
    let telling = recorder.clone();
    drop(late.set(std::sync::Arc::new(move |seen| telling.seen(seen))));
    let mut served = None;
    let way = match (way, net) {
        (Some((reach, way)), Some(net)) => {
            let egress = reach.open(&way, run, &principal, &recorder)?;
            let (inside, tasks) = way.inside();
            supervise::serve(&egress, net, tasks).map_err(anyhow::Error::new)?;
            drop(inside);
            served = Some(egress);
            Some(way)
        }
        (way, Some(net)) => {
            network::refuse_all(net, &recorder).map_err(anyhow::Error::new)?;
            way.map(|(_, way)| way)
        }
        (way, None) => way.map(|(_, way)| way),
    };
    if !args.quiet {
        output.note(&banner(run, &name, layers, plan.launch.decoys, strip, doors.unwrap_or_default()));
        for note in &plan.notes {
            output.note(&format!("bulkhead: {note}"));
        }
        if !plan.stripped.is_empty() {
            output.note(&format!("bulkhead: not passed on: {}", plan.stripped.join(" ")));
        }
    }
    let unprotected: Vec<PathBuf> =
        profile.files.unprotect.iter().map(|name| plan.launch.work_dir.join(name)).collect();
    let before = aside::before(&plan.launch.work_dir, &unprotected);

    let running = prepared.go().map_err(|why| not_contained(&why))?;
    let end = running.wait().map_err(|why| not_contained(&why))?;

    let planted = if layers.has(Layer::Files) {
        aside::put_aside(&before, &run.to_string()).map_err(anyhow::Error::new)?
    } else {
        Vec::new()
    };
    if let Some(way) = &way {
        way.drained();
    }
    recorder.close();
    // The thread ends when everything is written; it does not fail but by a fault of ours, which the totals then show.
    drop(writing.join());
    let totals = recorder.totals();
    let idle = served.map(|egress| egress.idle_names()).unwrap_or_default();
    write(place, run, &principal, &end_lines(&planted, &totals, end, started, &idle))?;
    if let Some(way) = way {
        way.close();
    }
    if !args.quiet {
        output.note(&last_line(run, &totals, &planted));
    }
    Ok(exit(end, output))
}

fn end_lines(
    planted: &[PathBuf],
    totals: &Totals,
    end: RunEnd,
    started: jiff::Timestamp,
    idle: &[(String, u64)],
) -> Vec<RunLine> {
    const DOMAINS: usize = 20;
    let mut lines: Vec<RunLine> = planted
        .iter()
        .map(|path| RunLine {
            effect: Effect::Deny,
            about: Some(path.display().to_string()),
            rule: "planted".to_owned(),
            text: "it starts programs later and was not there before: put aside".to_owned(),
            ..RunLine::plain(Action::Write)
        })
        .collect();
    let ended = match end {
        RunEnd::Code(code) => format!("code {code}"),
        RunEnd::Signal(signal) => format!("signal {signal}"),
        RunEnd::NotStarted(_) => "not started".to_owned(),
    };
    let contacts = totals.contacts.iter().map(|host| format!("contact {host}"));
    let secrets = totals.secrets.iter().map(|name| format!("secret {name}"));
    let (list, left_out) = fitting(secrets.chain(contacts));
    let count = |number: u64| if number == 0 { String::new() } else { number.to_string() };
    lines.push(
        RunLine::plain(Action::Run)
            .with("start", started.to_string())
            .with("end", Clock.now().to_string())
            .with("host", host())
            .with("ended", ended)
            .with("refused", (totals.refused.len() + planted.len()).to_string())
            .with("repeated", count(totals.repeated))
            .with("suppressed", count(totals.suppressed))
            .with("routine", count(totals.routine))
            .with("names-only", count(idle.iter().map(|(_, names)| names).sum()))
            .with(
                "names-below",
                idle.iter()
                    .take(DOMAINS)
                    .map(|(domain, names)| format!("{domain} {names}"))
                    .collect::<Vec<_>>()
                    .join("\n"),
            )
            .with("list-left-out", count(left_out))
            .with("list", list.join("\n")),
    );
    lines
}

/// As many lines as one entry holds, and how many are left out; each has an entry of its own besides.
fn fitting(lines: impl Iterator<Item = String>) -> (Vec<String>, u64) {
    const MOST_BYTES: usize = 40 << 10;
    let (mut kept, mut bytes, mut left_out) = (Vec::new(), 0, 0);
    for line in lines {
        bytes += line.len() + 1;
        if bytes > MOST_BYTES { left_out += 1 } else { kept.push(line) }
    }
    (kept, left_out)
}

fn banner(run: RunId, profile: &str, layers: Layers, decoys: bool, strip: bool, doors: Vec<&str>) -> String {
    let mut enforced: Vec<&str> = layers.iter().filter(|layer| *layer != Layer::Evidence).map(Layer::as_str).collect();
    if decoys {
        enforced.push("decoys");
    }
    if strip {
        enforced.push("environment");
    }
    enforced.extend(doors);
    format!("bulkhead: run {run} profile {profile}   enforced: {}   ({})", enforced.join(", "), tier(layers, decoys))
}

/// How much of the whole is there, in the words of the manual.
fn tier(layers: Layers, decoys: bool) -> &'static str {
    let namespaces = [Layer::Files, Layer::Network, Layer::Processes].into_iter().all(|layer| layers.has(layer));
    match (namespaces, layers.has(Layer::Tripwires), layers.has(Layer::Landlock) && layers.has(Layer::Syscalls)) {
        (true, true, true) => "tier 1",
        (true, false, true) if decoys => "tier 2: credentials are decoys, attempts are recorded without the process",
        (true, false, true) => "tier 2: credentials are out of sight, and attempts are not recorded",
        (false, _, true) => "tier 4: no namespaces",
        _ => "reduced",
    }
}

fn last_line(run: RunId, totals: &Totals, planted: &[PathBuf]) -> String {
    const SHOWN: usize = 3;
    let mut all = totals.refused.clone();
    all.extend(planted.iter().map(|path| format!("planted {} (put aside)", path.display())));
    let mut line = if all.is_empty() {
        "bulkhead: nothing refused".to_owned()
    } else {
        let more = all.len().saturating_sub(SHOWN);
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        let shown: Vec<String> = all.iter().take(SHOWN).map(|one| one.escape_debug().to_string()).collect();
        format!("bulkhead: {} refused: {}{more}", all.len(), shown.join(", "))
    };
    for (verb, what) in [("reached", &totals.contacts), ("used", &totals.secrets)] {
        let shown: Vec<&str> = what.iter().take(SHOWN).map(String::as_str).collect();
        if !shown.is_empty() {
            let more = what.len() - shown.len();
            let more = if more == 0 { String::new() } else { format!(", and {more} more") };
            line.push_str(&format!("; {verb} {}{more}", shown.join(", ")));
        }
    }
    if totals.suppressed > 0 {
        line.push_str(&format!("; {} more only counted", totals.suppressed));
    }
    if let Some(why) = &totals.failed {
        line.push_str(&format!("\nbulkhead: not everything is recorded: {why}"));
    }
    format!("{line}     bulkhead run show {run}")
}

fn exit(end: RunEnd, output: &Output) -> ExitCode {
    match end {
        RunEnd::Code(code) => ExitCode::from(u8::try_from(code).unwrap_or(255)),
        RunEnd::Signal(signal) => {
            bulkhead_contain::die_by_signal(signal);
            // Only a signal that does not end a process leads here.
            ExitCode::from(u8::try_from(128 + signal).unwrap_or(255))
        }
        RunEnd::NotStarted(number) => {
            output.note(&format!("bulkhead: not started: {}", std::io::Error::from_raw_os_error(number)));
            ExitCode::from(if number == 13 { 126 } else { 127 })
        }
    }
}

fn read_profile(args: &Args) -> Result<(Profile, bulkhead_core::Sha256), Failure> {
    let Some(file) = &args.profile else { return Ok((Profile::default(), plan::digest(b""))) };
    let text = crate::files::read_text(file).map_err(|why| Failure::Usage(why.to_string()))?;
    let profile =
        Profile::parse(&text).map_err(|why| Failure::Usage(format!("{} is not a profile\n{why}", file.display())))?;
    Ok((profile, plan::digest(text.as_bytes())))
}

fn leaves_out(args: &Args, layer: &str) -> bool {
    args.without.iter().any(|name| name == layer)
        || args.only.as_ref().is_some_and(|only| !only.iter().any(|name| name == layer))
}

fn layers(args: &Args, accepted: &[&str]) -> Result<Layers, Failure> {
    let layer = |name: &String| match (Layer::parse(name), name.as_str()) {
        (Some(layer), _) => Ok(Some(layer)),
        (None, "environment") => Ok(None),
        _ => {
            let known: Vec<&str> = Layer::ALL.into_iter().map(Layer::as_str).collect();
            Err(Failure::Usage(format!(
                "there is no layer {name}; the layers are {} and environment",
                known.join(", ")
            )))
        }
    };
    let mut layers = match &args.only {
        Some(only) => only.iter().map(layer).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect(),
        None if args.observe => [Layer::Tripwires, Layer::Processes, Layer::Evidence].into_iter().collect(),
        None => Layers::FULL,
    };
    for name in &args.without {
        if let Some(layer) = layer(name)? {
            layers = layers.without(layer);
        }
    }
    for name in accepted {
        layers = lost(name).0.iter().fold(layers, |layers, layer| layers.without(*layer));
    }
    Ok(layers)
}

/// Of what may be missing, what is: nobody gives up a layer that this machine has.
fn accepted(args: &Args) -> Result<Vec<&'static str>, Failure> {
    if args.accept_degraded.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(other) = args.accept_degraded.iter().find(|name| !Layer::KERNEL.contains(&name.as_str())) {
        let known = Layer::KERNEL.join(", ");
        return Err(Failure::Usage(format!("--accept-degraded does not know `{other}`; it knows {known}")));
    }
    let missing = bulkhead_contain::lacking().into_iter();
    Ok(missing.filter(|name| args.accept_degraded.iter().any(|accepted| accepted == name)).collect())
}

/// Layers that a run does without where that is missing, and what is lost with it.
fn lost(name: &str) -> (&'static [Layer], &'static str) {
    match name {
        "userns" => (
            &[Layer::Files, Layer::Network, Layer::Processes, Layer::Tripwires],
            "no namespaces: landlock keeps homes and all but the work directory out of reach, there are no sockets but Unix pairs, \
             protected paths and `.env` of the work directory are as open as the rest of it",
        ),
        "mountns" | "namespaces" => (
            &[Layer::Files, Layer::Network, Layer::Processes, Layer::Tripwires],
            "no view of files of its own: as without userns",
        ),
        "netns" => (&[Layer::Network], "no network of its own: there are no internet sockets, not even for loopback"),
        "pidns" => (&[Layer::Processes], "other processes are in sight, and what detaches itself outlives the run"),
        "fuse" => (
            &[Layer::Tripwires],
            "credentials are decoys: attempts are recorded without the process, and those on what is not there are not recorded",
        ),
        "seccomp" => (
            &[Layer::Syscalls, Layer::Evidence],
            "no system call filter, and no record of writes and connects that come to nothing",
        ),
        "landlock" => (&[Layer::Landlock], "files are kept by the mounts alone"),
        "landlock-truncate" => (&[], "landlock does not judge truncating"),
        "landlock-tcp" => (&[], "landlock does not judge TCP"),
        "landlock-ioctl" => (&[], "landlock does not judge commands to devices"),
        "landlock-scopes" => (&[], "landlock does not judge signals and abstract sockets; the namespaces do"),
        _ => (&[], ""),
    }
}

fn caller(data: &std::path::Path, decoys: bool) -> Result<Caller, Failure> {
    let env = Env::process();
    let number = |variable| env.text(variable).and_then(|text: &str| text.parse::<u32>().ok());
    Ok(Caller {
        environment: Env::whole(),
        work_dir: std::env::current_dir()
            .map_err(|why| Failure::Usage(format!("there is no current folder to run in: {why}")))?,
        root: rustix::process::geteuid().is_root(),
        behind: number(env::SUDO_UID).zip(number(env::SUDO_GID)),
        data: data.to_owned(),
        decoys,
    })
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn not_contained(why: &bulkhead_contain::ContainError) -> Failure {
    let missing = bulkhead_contain::lacking();
    let help = if missing.is_empty() {
        "bulkhead run --check says what this machine offers".to_owned()
    } else {
        format!(
            "this machine lacks {0}; to run all the same, and have that written down: --accept-degraded={0}{1}",
            missing.join(","),
            fuse_help(&missing)
        )
    };
    Failure::Other(anyhow::anyhow!("not started, because it would not be contained: {why}\n  help: {help}"))
}

/// Most systems ship the device open to everybody; where it is not, somebody only has to.
fn fuse_help(missing: &[&str]) -> &'static str {
    let closed = missing.contains(&"fuse") && std::path::Path::new("/dev/fuse").exists();
    if closed { "\n  or open the device to everybody, as most systems do: sudo chmod 666 /dev/fuse" } else { "" }
}

fn check(output: &Output) -> Result<ExitCode, Failure> {
    let missing = bulkhead_contain::lacking();
    output.facts(&missing, |missing| {
        if missing.is_empty() {
            "tier 1: this machine offers every layer".to_owned()
        } else {
            let what = missing.iter().map(|name| format!("\n  {name}: {}", lost(name).1)).collect::<String>();
            format!("missing: {0}{what}\n  a run starts with --accept-degraded={0}", missing.join(","))
        }
    })?;
    Ok(ExitCode::from(u8::from(!missing.is_empty())))
}

/// Writes lines into the ledger: through the server that runs, or into the data directory when none does.
fn write(place: &Place, run: RunId, principal: &str, lines: &[RunLine]) -> Result<(), Failure> {
    // Where no server runs, whoever records opens the data directory for a moment: runs take turns.
    let data = place.load()?.server.data;
    crate::files::make_folder(&data).map_err(anyhow::Error::new)?;
    let _turn = crate::files::turn(&data.join("runs.lock")).map_err(anyhow::Error::new)?;
    let request = Request::RunRecord { run, principal: principal.to_owned(), lines: lines.to_vec() };
    call::<Recorded>(place, request).map(drop)
}

fn sink(place: &Place, run: RunId, principal: &str) -> Sink {
    let (place, principal) = (place.clone(), principal.to_owned());
    Box::new(move |lines| write(&place, run, &principal, lines).map_err(Failure::into_error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_of_a_run_that_contacts_everybody_still_fits() {
        let (kept, left_out) = fitting((0..10_000).map(|number| format!("contact host{number}.example.test")));
        assert_eq!(kept.len() as u64 + left_out, 10_000);
        assert!(left_out > 0 && kept.iter().map(|line| line.len() + 1).sum::<usize>() <= 40 << 10);
        assert_eq!(fitting(["one".to_owned()].into_iter()), (vec!["one".to_owned()], 0));
    }
}
