//! The composition root: opens everything once, in the one right order, and closes it in the other.
//!
//! lock -> store -> ledger -> projections caught up -> policy (recorded when it is new) -> spine -> gate.

mod compartments;
mod paths;
mod policy_file;
mod projection;
mod upstream;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use bulkhead_core::{Action, Ask, Context, Gate, Principal, Problem, Resource, Sha256, Verdict};
use bulkhead_ledger::{Entry, LedgerError, Log, Sequencer, VerifierKey};

use compartments::Compartments;
pub use paths::Paths;
use projection::Projector;
pub use upstream::Found as UpstreamFound;

use crate::blob::{Blobs, FolderBlobs};
use crate::clock::Clock;
use crate::config::{Config, People};
use crate::estate::Recorder;
use crate::gate::intake::{self, Intake, Reader};
use crate::ledger::subject::{self, Of, Subjects};
use crate::ledger::witness::Witnessing;
use crate::spine::{self, Epoch, Spine};
use crate::stop::{Stop, Stopping};
use crate::store::graph::Kind;
use crate::store::{SqliteStore, Store, StoreError};
use crate::tasks::Tasks;
use crate::telemetry::Metrics;

/// Everything that runs, opened.
pub struct App {
    config: Config,
    paths: Paths,
    /// Held as long as the app lives: one writer owns a data directory.
    _lock: File,
    store: Arc<dyn Store>,
    blobs: Arc<dyn Blobs>,
    ledger: Arc<Sequencer>,
    log: Log,
    projector: Projector,
    witnessing: Witnessing,
    subjects: Arc<Subjects>,
    compartments: Compartments,
    spine: Arc<Spine>,
    recorder: Arc<Recorder>,
    sessions: crate::console::Sessions,
    /// Held while the policy is loaded: the watch and an operator may see the same edit at the same moment.
    reloading: tokio::sync::Mutex<()>,
    intake: Option<Arc<Intake>>,
    upstream: Result<UpstreamFound, Problem>,
    reader: Arc<Reader>,
    metrics: Arc<Metrics>,
    tasks: Tasks,
    stop: Stop,
    /// Whether it is opened for want of a server, and makes way for one.
    makes_way: AtomicBool,
    clock: Clock,
}

impl App {
    /// Opens the data directory, making it when it is not there.
    ///
    /// # Errors
    /// When another Bulkhead owns it, a part of it is damaged, or the policy is not good.
    pub async fn open(config: Config) -> anyhow::Result<Arc<Self>> {
        let clock = Clock;
        let paths = Paths::new(&config.server.data);
        crate::files::make_folder(&paths.data)?;
        let lock = crate::files::lock(&paths.lock)?.with_context(|| {
            format!(
                "another bulkhead uses {}\n  one process owns a data directory, because a ledger has one tail\n  \
                 help: stop it, or choose another folder with --data",
                paths.data.display()
            )
        })?;
        policy_file::ensure(&paths.policy)?;
        let (policy, digest) = policy_file::read(&paths.policy)?;
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&paths.database)?);
        crate::source::seed::plant(&*store, clock.now())?;
        let (blobs, swept) = FolderBlobs::open(&paths.blobs)?;
        if swept > 0 {
            tracing::info!(swept, "half-fetched files of an earlier life were removed");
        }
        let blobs: Arc<dyn Blobs> = Arc::new(blobs);
        let epoch = Epoch::default();
        let projector = Projector::new(Arc::clone(&store), epoch.clone());
        let ledger = Arc::new(projection::open_ledger(&paths, &projector)?);
        projector.catch_up(&ledger.log())?;
        let receipt = match spine::receipt_of_policy(&*store, digest)? {
            Some(receipt) => receipt,
            None => spine::record(&ledger, policy_entry(digest, clock)).await?,
        };
        let subjects = Arc::new(match config.ledger.people {
            People::Pseudonym => {
                Subjects::open(&paths.subjects, &config.ledger.roles)?.but_clear(in_the_clear(&*store)?)
            }
            People::Plain => Subjects::plain(),
        });
        let (writer, state, people) = (Arc::clone(&ledger), Arc::clone(&store), Arc::clone(&subjects));
        let spine = Arc::new(Spine::new(writer, state, people, policy, digest, receipt, epoch));
        let compartments = compartments::open(&paths.data, &config.ledger.compartments)?;
        let (caught_up, newest) = (projector.clone(), projector.clone());
        let recorder =
            Arc::new(Recorder::new(Arc::clone(&spine), Arc::clone(&store), clock, Box::new(move || caught_up.flush())));
        let (metrics, tasks, reader) = (Arc::new(Metrics::default()), Tasks::default(), Arc::new(Reader::default()));
        let upstream = upstream::find(&config, &*store);
        let intake = match &upstream {
            Ok(found) => Some(Arc::new(Intake::new(intake::Parts {
                spine: Arc::clone(&spine),
                recorder: Arc::clone(&recorder),
                upstream: upstream::client(&config, found),
                store: Arc::clone(&store),
                served_lately: Arc::new(move |project| newest.served_lately(project)),
                blobs: Arc::clone(&blobs),
                reader: Arc::clone(&reader),
                metrics: Arc::clone(&metrics),
                tasks: tasks.clone(),
                index_ttl: config.intake.pypi.index_ttl,
                clock,
            }))),
            Err(_) => None,
        };
        let stop = Stop::default();
        let witnesses = config.ledger.witness_policy.clone().unwrap_or_else(|| paths.witnesses.clone());
        let witnessing = Witnessing::new(Arc::clone(&ledger), witnesses);
        Ok(Arc::new(Self {
            config,
            paths,
            _lock: lock,
            store,
            blobs,
            log: ledger.log(),
            ledger,
            projector,
            witnessing,
            subjects,
            compartments,
            spine,
            recorder,
            sessions: crate::console::Sessions::default(),
            reloading: tokio::sync::Mutex::default(),
            intake,
            upstream,
            reader,
            metrics,
            tasks,
            stop,
            makes_way: AtomicBool::new(false),
            clock,
        }))
    }

    /// Finishes what is under way, integrates and signs the ledger, and lets go of the data directory.
    pub async fn close(&self) {
        self.stop.stop();
        self.tasks.drained().await;
        if let Err(error) = self.ledger.close() {
            tracing::error!(%error, "the ledger could not be closed in order; it is caught up at the next start");
        }
        for (name, log) in &self.compartments {
            if let Err(error) = log.close() {
                tracing::error!(name, %error, "a compartment's log could not be closed in order");
            }
        }
        if let Err(error) = self.projector.flush() {
            tracing::error!(%error, "the last entries could not be projected; they are at the next start");
        }
    }

    /// Reads the policy file again, records it, and puts it in force. One that is in force already has its entry.
    ///
    /// # Errors
    /// When the file is not good or the ledger cannot record: the policy before stays in force.
    pub async fn reload_policy(&self) -> anyhow::Result<(Sha256, u64)> {
        let _one_at_a_time = self.reloading.lock().await;
        let (policy, digest) = policy_file::read(&self.paths.policy)?;
        let in_force = self.spine.in_force();
        if in_force.digest == digest {
            return Ok((digest, in_force.receipt().entry().0));
        }
        let receipt = spine::record(&self.ledger, policy_entry(digest, self.clock)).await?;
        self.spine.put_in_force(policy, digest, receipt);
        Ok((digest, receipt.entry().0))
    }

    /// Whether the policy file says what is in force: another time of change, the same policy.
    pub fn policy_is_in_force(&self) -> bool {
        policy_file::read(&self.paths.policy).is_ok_and(|(_, digest)| digest == self.spine.in_force().digest)
    }

    /// Waits until every durable entry is projected, so that a question sees what was just recorded, and so that a review
    /// that was recorded is judged by from here on.
    ///
    /// # Errors
    /// When the store cannot take the entries.
    pub async fn projected(&self) -> Result<(), Problem> {
        let projector = self.projector.clone();
        crate::blocking::run(move || projector.flush()).await?.map_err(|error| error.to_problem())
    }

    /// Makes every projection anew from the entries; the number of entries.
    ///
    /// # Errors
    /// When an entry cannot be read or the store cannot take it.
    pub fn rebuild(&self) -> anyhow::Result<u64> {
        self.projector.rebuild(&self.log)
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.paths.data
    }

    /// The files in it.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// State.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Files by digest.
    pub fn blobs(&self) -> &Arc<dyn Blobs> {
        &self.blobs
    }

    /// The ledger, for reading.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The ledger's public key.
    pub fn verifier(&self) -> &VerifierKey {
        self.ledger.verifier_key()
    }

    /// Why the ledger will never take an entry again in this process; nothing while it may recover by itself.
    pub fn ledger_stopped(&self) -> Option<LedgerError> {
        self.ledger.health().stopped().cloned()
    }

    /// The witnesses.
    pub fn witnessing(&self) -> &Witnessing {
        &self.witnessing
    }

    /// The people whom entries name.
    pub fn subjects(&self) -> &Arc<Subjects> {
        &self.subjects
    }

    /// The spine.
    pub fn spine(&self) -> &Arc<Spine> {
        &self.spine
    }

    /// Records what is told about the estate: inventories, builds, and the runs of the runtime gate.
    pub fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// The console's sessions.
    pub(crate) fn sessions(&self) -> &crate::console::Sessions {
        &self.sessions
    }

    /// The intake gate.
    ///
    /// # Errors
    /// When no upstream is known.
    pub fn intake(&self) -> Result<&Arc<Intake>, Problem> {
        match (&self.intake, &self.upstream) {
            (Some(intake), _) => Ok(intake),
            (None, Err(problem)) => Err(problem.clone()),
            (None, Ok(_)) => {
                Err(Problem::new(bulkhead_core::Code::Bug, "an upstream is known and the gate is not open"))
            }
        }
    }

    /// The upstream and where it was learned.
    ///
    /// # Errors
    /// When none is known.
    pub fn upstream(&self) -> Result<&UpstreamFound, Problem> {
        self.upstream.as_ref().map_err(Clone::clone)
    }

    /// The pool of workers.
    pub fn reader(&self) -> &Arc<Reader> {
        &self.reader
    }

    /// The counters.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The tasks under way.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Gives the order to stop.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// From now on a server that starts is made way for.
    pub fn make_way(&self) {
        self.makes_way.store(true, Ordering::Release);
    }

    /// Whether a server that starts is made way for.
    pub fn makes_way(&self) -> bool {
        self.makes_way.load(Ordering::Acquire)
    }

    /// Waits for the order to stop.
    pub fn stopping(&self) -> Stopping {
        self.stop.stopping()
    }
}

/// The ask of Bulkhead itself, or of the operator, at the control gate.
pub fn control_ask(action: Action, owner: &str, resource: Resource) -> Ask {
    Ask { gate: Gate::Control, principal: Principal::new(owner), action, resource, context: Context::default() }
}

fn policy_entry(digest: Sha256, clock: Clock) -> Entry {
    let resource = Resource { digest: Some(digest), ..Resource::default() };
    let ask = control_ask(Action::PolicyLoad, "bulkhead", resource);
    Entry::new(&ask, &Verdict::plain(bulkhead_core::Effect::Allow), spine::entry_time(clock.now()), digest)
}

/// The machines and places that entries name in the clear: from before they had pseudonyms, or from when `people` was
/// plain.
fn in_the_clear(store: &dyn Store) -> Result<Vec<(Of, String)>, StoreError> {
    let mut names = Vec::new();
    store.look(&mut |graph| {
        names.extend(graph.names(Kind::Host)?.into_iter().map(|name| (Of::Host, name)));
        let places = graph.environments()?.into_iter().map(|(_, environment, ..)| environment);
        names.extend(places.map(|place| (Of::Environment, subject::split(Of::Environment, &place).1.to_owned())));
        Ok(())
    })?;
    Ok(names)
}
