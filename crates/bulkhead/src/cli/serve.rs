//! `bulkhead serve`: the gates.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use bulkhead_ledger::LedgerError;
use tokio::signal::unix::{SignalKind, signal};

use super::output::Output;
use super::run::lines::{dead_lines, dead_note};
use super::{Done, Failure, Place};
use crate::app::{App, Paths};
use crate::config::env::{self, Env};
use crate::control::{self, Reply, Request};
use crate::gate::runtime::journal;
use crate::http::Front;
use crate::ledger::timestamp;
use crate::net::server::{Server, ServerLimits};
use crate::net::{listen, tls};

/// Run the gates
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address and port to answer on. Anything but loopback needs TLS and a token [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

/// Threads that wait for the disk. More would not make it faster, and each keeps its stack and its share of the heap.
const BLOCKING: usize = 32;

/// How often the policy file is looked at for a change.
const LOOK: Duration = Duration::from_millis(500);

/// How long whoever holds the data may take to let go of it.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn run(place: &Place, args: Args, output: &Output) -> Result<Done, Failure> {
    crate::telemetry::start_logging(Env::process().text(env::BULKHEAD_LOG), output.is_json());
    let config = place.load_with(args.listen)?;
    // Before the first thread: a server that runs for months must not keep every peak resident.
    if !bulkhead_contain::keep_small() {
        tracing::debug!("this system's allocator has no such settings");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING)
        .enable_all()
        .build()
        .map_err(anyhow::Error::new)?;
    runtime.block_on(serve(config, output))?;
    Ok(Done::Good)
}

async fn serve(config: crate::config::Config, output: &Output) -> Result<(), Failure> {
    let listen_address = config.server.listen;
    let server_tls = match &config.server.tls {
        Some(files) => Some(tls::server(&files.cert, &files.key).map_err(anyhow::Error::new)?),
        None => None,
    };
    // Held until the control socket answers: a run that made way asks here next.
    let turn = take_over(&config.server.data).await.map_err(anyhow::Error::new)?;
    let app = App::open(config).await?;
    let tokens = app.store().tokens().map_err(|error| error.to_problem())?;
    let now = app.clock().now();
    let live = tokens.iter().any(|token| token.revoked.is_none() && token.expires.is_none_or(|expires| now < expires));
    listen::check_exposure(listen_address, server_tls.is_some(), live).map_err(anyhow::Error::new)?;
    // Without an upstream or a worker nothing could be served: say so now and not at the first install.
    app.upstream()?;
    let enforced = app.reader().pool().await?.enforced().to_string();
    let secure = server_tls.is_some();
    let server = Server::bind(listen_address, server_tls, ServerLimits::default()).await;
    let server = server.with_context(|| {
        format!("cannot listen on {listen_address}; is another server there? choose another with --listen")
    })?;
    let address = server.address().map_err(anyhow::Error::new)?;
    // For `setup` and `doctor`, which should not have to be told the port.
    let url = format!("{}\n", app.config().server.url_at(address));
    crate::files::replace(&app.paths().address, url.as_bytes(), 0o644).map_err(anyhow::Error::new)?;
    control::listen(&app).context("cannot open the control socket")?;
    drop(turn);
    finish_dead_runs(&app, output).await?;
    watch_policy(&app)?;
    let fault = watch_ledger(&app);
    let clients = tls::client(tls::Trust::System).map_err(anyhow::Error::new)?;
    app.witnessing().spawn(app.tasks(), Arc::clone(&clients), app.config().ledger.witness_every, app.stopping());
    app.keep_compartments_anchored();
    if let Some(url) = app.config().ledger.timestamp_url.clone() {
        timestamp::spawn(app.tasks(), app.log().clone(), app.paths().timestamps.clone(), url, clients, app.stopping());
    }
    stop_on_signal(&app)?;
    output.text(&banner(&app, address, secure, &enforced)?);
    let mut stopping = app.stopping();
    server.serve(Front::new(Arc::clone(&app)), async move { stopping.wait().await }).await;
    app.close().await;
    match fault.get() {
        None => Ok(()),
        Some(error) => Err(anyhow::anyhow!("the ledger stopped, and with it every gate: {error}").into()),
    }
}

/// Where no server ran, a contained run may hold the data directory: it is asked to make way. Runs take turns at the data, so
/// none takes it again before this server is there.
async fn take_over(data: &Path) -> std::io::Result<File> {
    crate::files::make_folder(data)?;
    let turn = crate::files::turn(&data.join("runs.lock"))?;
    if let Ok(Some(Reply::Facts(_))) = control::ask(data, &Request::MakeWay) {
        let lock = Paths::new(data).lock;
        let free = async {
            while crate::files::lock(&lock).is_ok_and(|lock| lock.is_none()) {
                tokio::time::sleep(LOOK / 20).await;
            }
        };
        // When it takes longer, opening the data says so.
        drop(tokio::time::timeout(PATIENCE, free).await);
    }
    Ok(turn)
}

/// What runs planted whose supervisors were killed is put aside, and recorded.
async fn finish_dead_runs(app: &Arc<App>, output: &Output) -> Result<(), Failure> {
    let (dead, unfinished) = journal::finish(app.data());
    for note in unfinished {
        output.note(&note);
    }
    for dead in dead {
        let lines = dead_lines(&dead);
        let request = Request::RunRecord { run: dead.run, principal: dead.principal.clone(), lines };
        match control::act(app, request).await {
            Reply::Facts(_) => {
                output.note(&dead_note(&dead));
                dead.recorded().map_err(anyhow::Error::new)?;
            }
            // It stays to be finished.
            Reply::Problem { title, .. } => output.note(&format!("run {} is not finished: {title}", dead.run)),
        }
    }
    Ok(())
}

/// Ends the server when the ledger can never take an entry again: a start reads what is there, by the same code, and
/// either goes on or says what a person must look at.
fn watch_ledger(app: &Arc<App>) -> Arc<OnceLock<LedgerError>> {
    let fault: Arc<OnceLock<LedgerError>> = Arc::default();
    let (found, watched) = (Arc::clone(&fault), Arc::clone(app));
    app.tasks().spawn(async move {
        let mut stopping = watched.stopping();
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = look.tick() => {}
                () = stopping.wait() => return,
            }
            if let Some(error) = watched.ledger_stopped() {
                tracing::error!(%error, "the ledger stopped; the server ends");
                drop(found.set(error));
                watched.stop();
                return;
            }
        }
    });
    fault
}

fn banner(app: &App, address: SocketAddr, secure: bool, enforced: &str) -> Result<String, Failure> {
    let scheme = if secure { "https" } else { "http" };
    let upstream = app.upstream()?;
    let fingerprint = app.verifier().fingerprint().to_hex();
    let entries = app.log().size();
    let plural = if entries == 1 { "entry" } else { "entries" };
    let mut text = String::new();
    let mut line = |label: &str, what: &str| text.push_str(&format!("  {label:<8} {what}\n"));
    line("intake", &format!("{scheme}://{address}/pypi/simple/     upstream from {}", upstream.source));
    line(
        "console",
        &format!("{scheme}://{address}/console/     its token: bulkhead token create --console --for NAME"),
    );
    line("ledger", &format!("{}   key {}   {entries} {plural}", app.verifier().name(), &fingerprint[..16]));
    line("worker", enforced);
    for note in &upstream.notes {
        line("note", note);
    }
    for warning in app.spine().in_force().policy.warnings() {
        line("policy", &warning.to_string());
    }
    let head = format!(
        "bulkhead {}   data {}   policy {}",
        env!("CARGO_PKG_VERSION"),
        app.data().display(),
        app.paths().policy.display()
    );
    let data = app.data().display().to_string();
    let words =
        if data.trim_start_matches("./") == "bulkhead-data" { String::new() } else { format!("--data {data} ") };
    Ok(format!("{head}\n{text}  point your clients here:  bulkhead setup {words}pip | uv | poetry | pdm"))
}

/// Reloads the policy when its file changes and on SIGHUP. A broken edit keeps the policy before and says so loudly.
fn watch_policy(app: &Arc<App>) -> Result<(), Failure> {
    let mut hangup = signal(SignalKind::hangup()).map_err(anyhow::Error::new)?;
    let watched = Arc::clone(app);
    app.tasks().spawn(async move {
        let mut stopping = watched.stopping();
        // Not what the file is now: an edit between the start's reading and this line would never be taken over.
        let mut seen = None;
        let mut look = tokio::time::interval(LOOK);
        loop {
            let asked = tokio::select! {
                _ = look.tick() => false,
                _ = hangup.recv() => true,
                () = stopping.wait() => return,
            };
            let found = fingerprint(&watched);
            if !asked && found == seen {
                continue;
            }
            seen = found;
            if !asked && watched.policy_is_in_force() {
                continue;
            }
            match watched.reload_policy().await {
                Ok((digest, entry)) => tracing::info!(policy = %digest, entry, "policy loaded"),
                Err(error) => tracing::error!("the policy was NOT loaded; the one before stays in force\n{error:#}"),
            }
        }
    });
    Ok(())
}

/// What changes when the file does. A file that is not there for a moment (an editor renames) is not a change.
fn fingerprint(app: &App) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(&app.paths().policy).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn stop_on_signal(app: &Arc<App>) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(anyhow::Error::new)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(anyhow::Error::new)?;
    let stopped = Arc::clone(app);
    app.tasks().spawn(async move {
        let mut stopping = stopped.stopping();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stopping.wait() => {}
        }
        stopped.stop();
    });
    Ok(())
}
