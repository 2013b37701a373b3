//! `bulkhead run`: a program, contained; and what was recorded of one.

mod egress;
mod keeper;
mod layers;
pub(super) mod lines;
mod show;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use bulkhead_contain::{Layer, Layers, RunEnd, RunLimits};
use bulkhead_core::{Action, RunId};
use clap::Subcommand;

use super::call::call;
use super::output::Output;
use super::{Failure, Place};
use crate::clock::Clock;
use crate::config::env::{self, Env};
use crate::control::{Recorded, Request};
use crate::gate::egress::supervise;
use crate::gate::runtime::aside::{self, After};
use crate::gate::runtime::journal::{self, Dead, Journal};
use crate::gate::runtime::plan::{self, Caller, Command as Program};
use crate::gate::runtime::profile::Profile;
use crate::gate::runtime::record::{RunLine, Scene, Sink, Totals};
use crate::gate::runtime::{self, network};
use egress::{Reach, Way};
use layers::{accepted, layers, leaves_out, losses, lost};
use lines::{banner, dead_lines, dead_note, end_lines, host};

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
    /// environment, limits, egress, broker
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
    // What a killed supervisor left behind comes first: it would look as if it had been there before.
    let (dead, unfinished) = journal::finish(&config.server.data);
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
    let losses = losses(&accepted, layers);
    plan.notes.extend(losses.iter().map(|loss| format!("accepted without {loss}")));
    if !strip {
        plan.launch.env = caller.environment.clone();
        plan.stripped.clear();
    }
    let temporary = Temporary::make(run, layers, &mut plan)?;
    if leaves_out(args, "limits") {
        plan.launch.limits = RunLimits { processes: u64::MAX, memory: None, ..plan.launch.limits };
    }
    let reach = if layers.has(Layer::Network) && !leaves_out(args, "egress") {
        let kept = if leaves_out(args, "broker") { Some(caller.environment.as_slice()) } else { None };
        Reach::prepare(place, &config, run, &mut plan, kept)?
    } else {
        None
    };
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
    // Also for a run that reaches nothing: whoever holds the ledger is there from the first entry to the last, and is not opened
    // for each.
    let way = Way::open(place, &config)?;
    let started = Clock.now();
    let missing = Layer::ALL.into_iter().filter(|layer| !layers.has(*layer)).map(Layer::as_str);
    let degraded: Vec<&str> = if args.observe { Vec::new() } else { missing.collect() };
    let shown = |path: &PathBuf| runtime::shown(path, &plan.launch.work_dir, plan.home.as_deref());
    let skipped: Vec<String> = plan.skipped.iter().map(shown).collect();
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
        .with("lost", losses.join("\n"))
        .with("stripped", plan.stripped.join(" "))
        .with("not-looked-at", skipped.join("\n"))
        .with("installed", plan.installed.len().to_string());
    record_dead(place, dead, &unfinished, output)?;
    let unprotected: Vec<PathBuf> =
        profile.files.unprotect.iter().map(|name| plan.launch.work_dir.join(name)).collect();
    let before =
        aside::before(&plan.launch.work_dir, &plan.found, &unprotected, &plan.skipped, layers.has(Layer::Files));
    // Nothing was asked to be kept from lasting where somebody looks on only, or asked for a run without that.
    let keeps = !args.observe && !leaves_out(args, "files");
    let (data, first) = (&config.server.data, prepared.first());
    // Nothing is permitted without a record: the program starts when this entry, and the run's page, are durable. The disk
    // takes both at once.
    let page: Option<Journal> = std::thread::scope(|threads| {
        let open = || journal::open(data, run, &principal, started, first, &before);
        let page = keeps.then(|| threads.spawn(open));
        let written = write(place, run, &principal, &[start]);
        let page = page.map(|page| page.join().unwrap_or_else(|_| Err(std::io::Error::other("a thread failed"))));
        let page = page.transpose().map_err(|why| Failure::Other(anyhow::Error::new(why)));
        match (written, page) {
            (Ok(()), page) => page,
            (Err(why), page) => {
                // It does not start: there is nothing of it to be finished. What cannot be removed is finished all the same.
                drop(page.map(|page| page.map(Journal::close)));
                Err(why)
            }
        }
    })?;

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
    match (reach, net) {
        (Some(reach), Some(net)) => {
            let egress = reach.open(&way, run, &principal, &recorder)?;
            let (inside, tasks) = way.inside();
            supervise::serve(&egress, net, tasks).map_err(anyhow::Error::new)?;
            drop(inside);
            served = Some(egress);
        }
        (None, Some(net)) => network::refuse_all(net, &recorder).map_err(anyhow::Error::new)?,
        (_, None) => {}
    }
    if !args.quiet {
        output.note(&banner(run, &name, layers, plan.launch.decoys, args.observe, strip, doors.unwrap_or_default()));
        for note in &plan.notes {
            output.note(&format!("bulkhead: {note}"));
        }
        if !plan.stripped.is_empty() {
            output.note(&format!("bulkhead: not passed on: {}", plan.stripped.join(" ")));
        }
    }
    let running = prepared.go().map_err(|why| not_contained(&why))?;
    let end = running.wait().map_err(|why| not_contained(&why))?;

    drop(temporary);
    let after = match keeps {
        true => aside::put_aside(&before, &run.to_string()).map_err(anyhow::Error::new)?,
        false => After::default(),
    };
    if served.is_some() {
        way.drained();
    }
    recorder.close();
    // The thread ends when everything is written; it does not fail but by a fault of ours, which the totals then show.
    drop(writing.join());
    let totals = recorder.totals();
    let idle = served.map(|egress| egress.idle_names()).unwrap_or_default();
    write(place, run, &principal, &end_lines(&after, &totals, end, started, &idle))?;
    if let Some(page) = page {
        page.close().map_err(anyhow::Error::new)?;
    }
    way.close();
    if !args.quiet {
        output.note(&last_line(run, &totals, &after));
    }
    Ok(exit(end, output))
}

fn last_line(run: RunId, totals: &Totals, after: &After) -> String {
    const SHOWN: usize = 3;
    let mut all = totals.refused.clone();
    all.extend(after.moved.iter().map(|path| format!("planted {} (put aside)", path.display())));
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
    if let Some(first) = totals.vanished.first() {
        let more = totals.vanished.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        line.push_str(&format!("; ended with the run: {}{more}, written in the home", first.escape_debug()));
    }
    for (words, paths) in [
        ("appeared during the run, uncovered", &after.appeared),
        ("changed, and starts programs later", &after.changed),
        ("not looked at afterwards", &after.unseen),
    ] {
        let shown: Vec<String> = paths.iter().take(SHOWN).map(|path| path.display().to_string()).collect();
        if !shown.is_empty() {
            line.push_str(&format!("; {words}: {}", shown.join(", ")));
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

fn not_contained(why: &bulkhead_contain::ContainError) -> Failure {
    let missing = lacking_asked_anew();
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
fn fuse_help(missing: &[String]) -> &'static str {
    let closed = missing.iter().any(|name| name == "fuse") && std::path::Path::new("/dev/fuse").exists();
    if closed { "\n  or open the device to everybody, as most systems do: sudo chmod 666 /dev/fuse" } else { "" }
}

/// What this machine lacks, asked of a process of its own: what was started before it failed may have left threads in this one,
/// and with threads nothing can be tried.
#[expect(clippy::disallowed_methods, reason = "this very program, which only tries what it may")]
fn lacking_asked_anew() -> Vec<String> {
    let ask = || {
        let program = std::env::current_exe().ok()?;
        let told = std::process::Command::new(program).args(["--format", "json", "run", "--check"]).output().ok()?;
        serde_json::from_slice(&told.stdout).ok()
    };
    ask().unwrap_or_default()
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

/// Finishes runs whose supervisor was killed.
pub(super) fn finish_dead(place: &Place, output: &Output) -> Result<(), Failure> {
    let (dead, unfinished) = journal::finish(&place.load()?.server.data);
    record_dead(place, dead, &unfinished, output)
}

fn record_dead(place: &Place, dead: Vec<Dead>, unfinished: &[String], output: &Output) -> Result<(), Failure> {
    for note in unfinished {
        output.note(&format!("bulkhead: {note}"));
    }
    for dead in dead {
        write(place, dead.run, &dead.principal, &dead_lines(&dead))?;
        output.note(&format!("bulkhead: {}", dead_note(&dead)));
        dead.recorded().map_err(anyhow::Error::new)?;
    }
    Ok(())
}

/// A folder for temporary files of a run that shares the machine's view of files; gone with it.
struct Temporary(Option<PathBuf>);

impl Temporary {
    fn make(run: RunId, layers: Layers, plan: &mut plan::Plan) -> Result<Self, Failure> {
        if layers.has(Layer::Files) || !layers.has(Layer::Landlock) {
            return Ok(Self(None));
        }
        let folder = std::env::temp_dir().join(format!("bulkhead-run-{run}"));
        crate::files::make_folder(&folder).map_err(anyhow::Error::new)?;
        let folder = std::fs::canonicalize(folder).map_err(anyhow::Error::new)?;
        if let Some(user) = plan.launch.run_as {
            std::os::unix::fs::chown(&folder, Some(user.uid), Some(user.gid)).map_err(anyhow::Error::new)?;
        }
        plan.give_temporary(folder.clone());
        Ok(Self(Some(folder)))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed is in the folder for temporary files.
        drop(self.0.as_ref().map(std::fs::remove_dir_all));
    }
}

/// Writes lines into the ledger: through the server that runs, or into the data directory when none does.
fn write(place: &Place, run: RunId, principal: &str, lines: &[RunLine]) -> Result<(), Failure> {
    // Where no server runs, a supervisor holds the data directory (see `keeper`); what is recorded before and after that opens it: runs
    // take turns.
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
