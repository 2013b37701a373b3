//! The gate's end: workers that are ready, one archive each at a time.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_contain::{Enforced, PassError, WorkerProcess, WorkerProfile, send_job};
use bulkhead_core::{Code, Problem};
use bulkhead_detect::{ArchiveKind, Limits, Report};
use tokio::io::{AsyncWriteExt as _, Interest};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::check::{self, Asked};
use super::end;
use super::keeper::{Coming, Keeper};
use super::wire::{Header, Hello, MAX_ANSWER, MAX_HELLO, read_frame};

/// How a [`Pool`] works. [`Default`] is what the server uses.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// The program that is a worker when started with `args`.
    pub exe: PathBuf,
    /// What makes it one.
    pub args: Vec<OsString>,
    /// Workers at most, and so archives at a time.
    pub size: NonZeroUsize,
    /// Archives after which a worker is replaced.
    pub jobs_per_worker: u64,
    /// How long a worker may take to shut itself in.
    pub start_timeout: Duration,
    /// How long an empty archive may take...
    pub job_timeout: Duration,
    /// ...and how many bytes of a larger one pass in each second on top.
    pub bytes_per_second: u64,
    /// What an archive may cost.
    pub limits: Limits,
}

impl Default for PoolOptions {
    /// This same program, as `worker`; as many as there are cores.
    fn default() -> Self {
        Self {
            // Not its path: the file may have been replaced by an upgrade, and gate and worker must be of one build.
            exe: PathBuf::from("/proc/self/exe"),
            args: vec!["worker".into()],
            size: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            jobs_per_worker: 100,
            start_timeout: Duration::from_secs(10),
            // Seen by the clock and not by the CPU: with 25 processes for each core, archives that take 2 s of CPU took 30 s, and
            // a verdict must not depend on what else the machine does.
            job_timeout: Duration::from_secs(120),
            bytes_per_second: 10_000_000,
            limits: Limits::default(),
        }
    }
}

impl PoolOptions {
    /// Time for one archive of `size` bytes: never so much that a new worker would run into its CPU limit first.
    pub(super) fn time_for(&self, size: u64) -> Duration {
        let longest = Duration::from_secs(WorkerProfile::default().cpu_seconds / 2);
        (self.job_timeout + Duration::from_secs(size / self.bytes_per_second.max(1))).min(longest)
    }
}

/// Workers for hostile archives. Cloning shares them; they end with the last clone.
#[derive(Debug, Clone)]
pub struct Pool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: PoolOptions,
    keeper: Keeper,
    enforced: Enforced,
    /// One permit per worker that may be at work.
    seats: Semaphore,
    /// One permit per worker that may wait for bytes that are still arriving: a slow upstream must not keep the seats.
    early: Semaphore,
    idle: Mutex<Vec<Idle>>,
}

/// A worker that nobody uses.
#[derive(Debug)]
enum Idle {
    /// It has read archives and may read more.
    Ready(Worker),
    /// It was ordered when its predecessor took its last job, so that nobody waits for its start.
    Coming(Coming),
}

impl Pool {
    /// Starts the first worker, to learn that there can be one and what contains it. The others start when they are needed.
    ///
    /// # Errors
    /// `worker-unavailable`, with what is missing.
    pub async fn start(options: PoolOptions) -> Result<Self, Problem> {
        let keeper = Keeper::new(options.exe.clone(), options.args.clone()).map_err(unavailable)?;
        let (worker, enforced) = welcome(&keeper, keeper.order(), options.start_timeout).await?;
        let seats = Semaphore::new(options.size.get());
        let early = Semaphore::new(options.size.get());
        Ok(Self {
            inner: Arc::new(Inner {
                options,
                keeper,
                enforced,
                seats,
                early,
                idle: Mutex::new(vec![Idle::Ready(worker)]),
            }),
        })
    }

    /// What contains the workers, and what this kernel lacks: for the start-up banner and the record.
    pub fn enforced(&self) -> &Enforced {
        &self.inner.enforced
    }

    /// Reads one archive. `file` is open for reading only, and nothing changes its bytes; `file_name` is the name under
    /// which clients install it. Waits for a free worker.
    ///
    /// A worker that crashes, is too slow or answers nonsense makes the report *unreadable*, which is not an error here.
    /// Only a worker that was started for this archive says so: when one that had waited or had read others crashes, the archive
    /// is read again, because a verdict must not depend on what came before it (invariant 11).
    ///
    /// # Errors
    /// `worker-unavailable` when no worker can be started, `bug` when `file` is open for writing.
    pub async fn inspect(&self, file: File, file_name: &str) -> Result<Report, Problem> {
        self.inspect_as(file, ArchiveKind::of(file_name), file_name).await
    }

    /// The same, where the caller knows the kind: a `.tgz` is not the same thing to every registry, and a directory has no name.
    ///
    /// # Errors
    /// As [`Pool::inspect`].
    pub async fn inspect_as(&self, file: File, kind: ArchiveKind, file_name: &str) -> Result<Report, Problem> {
        let pool = &*self.inner;
        let size = file
            .metadata()
            .map_err(|why| Problem::new(Code::StorageUnavailable, format!("size of the file to read: {why}")))?
            .len();
        let job = Job { time: pool.options.time_for(size), file, kind, file_name, arriving: None };
        let _seat = pool.seats.acquire().await.map_err(unavailable)?;
        if let Some(worker) = pool.idle_worker(job.time).await {
            match pool.read(worker, &job).await {
                Err(Fault::Dead(_) | Fault::Spent(_) | Fault::Nonsense(_)) => {}
                done => return pool.conclude(done, &job),
            }
        }
        let (worker, _) = welcome(&pool.keeper, pool.keeper.order(), pool.options.start_timeout).await?;
        let done = pool.read(worker, &job).await;
        pool.conclude(done, &job)
    }

    /// Reads an archive of `len` bytes that are still arriving; `there` says how many are in `file` already. The report is what
    /// [`Pool::inspect`] gives of the whole file, earlier.
    ///
    /// `None` when it could not be had like this: no place was free, the bytes stopped coming, the worker failed. Then the whole
    /// file is to be read, once it is there.
    pub async fn inspect_arriving(
        &self,
        file: File,
        file_name: &str,
        len: u64,
        there: watch::Receiver<u64>,
    ) -> Option<Report> {
        let pool = &*self.inner;
        let _place = pool.early.try_acquire().ok()?;
        let arriving = Some(Arriving { len, there });
        let job = Job { time: pool.options.time_for(len), file, kind: ArchiveKind::of(file_name), file_name, arriving };
        let worker = match pool.idle_worker(job.time).await {
            Some(worker) => worker,
            None => welcome(&pool.keeper, pool.keeper.order(), pool.options.start_timeout).await.ok()?.0,
        };
        pool.read(worker, &job).await.ok()
    }
}

/// One archive to read.
struct Job<'a> {
    file: File,
    kind: ArchiveKind,
    file_name: &'a str,
    time: Duration,
    arriving: Option<Arriving>,
}

/// A file that is not whole yet.
struct Arriving {
    len: u64,
    there: watch::Receiver<u64>,
}

/// A worker that has said hello.
#[derive(Debug)]
struct Worker {
    process: WorkerProcess,
    socket: UnixStream,
    jobs: u64,
    busy: Duration,
}

/// Why there is no report.
#[derive(Debug)]
enum Fault {
    /// The worker ended; how.
    Dead(String),
    /// The worker answered with this, and was ended.
    Nonsense(String),
    /// The worker ended at a limit of its own, memory or CPU time; which.
    Spent(String),
    /// The worker was ended after its time.
    TooSlow,
    /// The job could not be put.
    Misuse(PassError),
}

impl Inner {
    /// A waiting worker that has CPU time left for a job of this length: its own limit must never hit an innocent archive.
    async fn idle_worker(&self, time: Duration) -> Option<Worker> {
        let cpu = Duration::from_secs(WorkerProfile::default().cpu_seconds);
        loop {
            let idle = self.idle().pop()?;
            match idle {
                Idle::Ready(worker) if worker.busy + time >= cpu => self.keeper.dismiss(worker.process),
                Idle::Ready(worker) => return Some(worker),
                // One that did not start is no loss: the caller orders its own and learns why.
                Idle::Coming(coming) => {
                    if let Ok((worker, _)) = welcome(&self.keeper, coming, self.options.start_timeout).await {
                        return Some(worker);
                    }
                }
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts one job to one worker, and the worker back when it did well.
    async fn read(&self, worker: Worker, job: &Job<'_>) -> Result<Report, Fault> {
        let asked = Asked { id: worker.jobs, kind: job.kind, limits: self.options.limits.clone() };
        let began = Instant::now();
        let last = worker.jobs + 1 >= self.options.jobs_per_worker;
        if last {
            self.idle().push(Idle::Coming(self.keeper.order()));
        }
        let mut busy = Busy { keeper: &self.keeper, worker: Some(worker) };
        let answer = match busy.exchange(&asked, job).await {
            Err(Broken::TooSlow) => return Err(Fault::TooSlow),
            Err(Broken::Misuse(why)) => return Err(Fault::Misuse(why)),
            Err(Broken::Socket(why)) if why.kind() == io::ErrorKind::InvalidData => {
                return Err(Fault::Nonsense(why.to_string()));
            }
            Err(Broken::Stopped) => return Err(Fault::Dead("the rest of the file did not come".to_owned())),
            Err(Broken::Socket(_)) => return Err(busy.end().await),
            Ok(answer) => answer,
        };
        let report = crate::blocking::run(move || check::report(&answer, &asked)).await;
        let report = report
            .map_err(|why| Fault::Nonsense(why.detail))?
            .map_err(|why| Fault::Nonsense(format!("an answer that {why}")))?;
        if !last && let Some(mut worker) = busy.worker.take() {
            worker.jobs += 1;
            worker.busy += began.elapsed();
            self.idle().push(Idle::Ready(worker));
        }
        Ok(report)
    }

    fn conclude(&self, done: Result<Report, Fault>, job: &Job<'_>) -> Result<Report, Problem> {
        let why = match done {
            Ok(report) => return Ok(report),
            Err(Fault::Misuse(why @ PassError::Writable)) => return Err(Problem::new(Code::Bug, why.to_string())),
            Err(Fault::Misuse(why)) => why.to_string(),
            Err(Fault::Dead(how)) => how,
            Err(Fault::Nonsense(what)) => format!("the worker gave {what}"),
            Err(Fault::Spent(how)) => return Ok(unfinished(job, &how)),
            Err(Fault::TooSlow) => {
                return Ok(unfinished(job, &format!("the worker was not done after {} s", job.time.as_secs())));
            }
        };
        tracing::warn!(file = job.file_name, why, "archive unreadable");
        Ok(Report::unreadable(job.kind, &why))
    }
}

fn unfinished(job: &Job<'_>, why: &str) -> Report {
    tracing::warn!(file = job.file_name, why, "archive not read to its end");
    Report::unfinished(job.kind, why)
}

/// A worker at work. Dropped before the work is done, by a fault or because nobody waits for the report any more, it is
/// ended: what it would say next belongs to a job that is gone.
struct Busy<'a> {
    keeper: &'a Keeper,
    worker: Option<Worker>,
}

enum Broken {
    Misuse(PassError),
    Socket(io::Error),
    TooSlow,
    /// Nobody tells any more how much of the file is there.
    Stopped,
}

impl Busy<'_> {
    async fn exchange(&mut self, asked: &Asked, job: &Job<'_>) -> Result<Vec<u8>, Broken> {
        let Some(Worker { socket, .. }) = &mut self.worker else {
            return Err(Broken::Socket(io::ErrorKind::NotConnected.into()));
        };
        let header = Header {
            id: asked.id,
            kind: asked.kind,
            file_name: job.file_name.to_owned(),
            limits: asked.limits.clone(),
            arriving: job.arriving.as_ref().map(|arriving| arriving.len),
        };
        let header = serde_json::to_vec(&header).map_err(|why| Broken::Socket(why.into()))?;
        let put = socket.async_io(Interest::WRITABLE, || match send_job(&*socket, &header, &job.file) {
            Err(PassError::Socket(why)) => Err(why),
            done => Ok(done),
        });
        let put = timeout(job.time, put).await.map_err(|_elapsed| Broken::TooSlow)?;
        put.map_err(Broken::Socket)?.map_err(Broken::Misuse)?;
        if let Some(arriving) = &job.arriving {
            feed(socket, arriving).await?;
        }
        // An upstream's time is not the worker's: its own begins when there is nothing left to wait for.
        let answer = timeout(job.time, read_frame(socket, MAX_ANSWER)).await.map_err(|_elapsed| Broken::TooSlow)?;
        answer.map_err(Broken::Socket)
    }

    async fn end(&mut self) -> Fault {
        let ended = match self.worker.take() {
            Some(worker) => self.keeper.end(worker.process).await,
            None => None,
        };
        let how = end::describe(ended.as_ref());
        if end::spent(ended.as_ref()) { Fault::Spent(how) } else { Fault::Dead(how) }
    }
}

/// Tells the worker how much of the file is there until all of it is.
async fn feed(socket: &mut UnixStream, arriving: &Arriving) -> Result<(), Broken> {
    let mut there = arriving.there.clone();
    let mut told = 0;
    while told < arriving.len {
        let now = *there.wait_for(|there| *there > told).await.map_err(|_gone| Broken::Stopped)?;
        told = now.min(arriving.len);
        socket.write_all(&told.to_le_bytes()).await.map_err(Broken::Socket)?;
    }
    Ok(())
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.keeper.dismiss(worker.process);
        }
    }
}

/// Waits for a worker that was ordered, and for its first word.
async fn welcome(keeper: &Keeper, coming: Coming, patience: Duration) -> Result<(Worker, Enforced), Problem> {
    let coming = coming.await.map_err(|_gone| unavailable("the thread that starts workers is gone"))?;
    let (process, socket) = coming.map_err(unavailable)?;
    socket.set_nonblocking(true).map_err(unavailable)?;
    let mut worker =
        Worker { process, socket: UnixStream::from_std(socket).map_err(unavailable)?, jobs: 0, busy: Duration::ZERO };
    let hello = match timeout(patience, read_frame(&mut worker.socket, MAX_HELLO)).await {
        Err(_elapsed) => Err(format!("it was not ready after {} s", patience.as_secs())),
        Ok(Err(_ended)) => Err(end::describe(keeper.end(worker.process).await.as_ref())),
        Ok(Ok(hello)) => match serde_json::from_slice(&hello) {
            Ok(Hello::Contained { in_force, missing }) => return Ok((worker, Enforced { in_force, missing })),
            Ok(Hello::Refused { why }) => Err(why),
            Err(why) => Err(format!("its first word is not understood: {why}")),
        },
    };
    hello.map_err(unavailable)
}

fn unavailable(why: impl ToString) -> Problem {
    Problem::new(Code::WorkerUnavailable, format!("no worker to read archives: {}", why.to_string()))
        .with_help("archives are read only under containment: the kernel must offer seccomp filters, and a container around Bulkhead must allow them")
}
