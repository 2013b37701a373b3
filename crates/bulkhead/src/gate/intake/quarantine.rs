//! First touch of a file: fetched while it is hashed, compared with what the index promised, kept under its digest, read
//! by a contained worker. What is here has been judged by nobody yet; it leaves only through a permit.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bulkhead_core::{Code, Finding, Problem, Sha256};
use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::ecosystem::pypi::{FileName, IndexFile, ProjectName};
use super::flight::Flights;
use super::gather::Seen;
use super::reader::Reader;
use crate::blob::{Blob, Blobs};
use crate::clock::Clock;
use crate::estate::Recorder;
use crate::net::Upstream;
use crate::store::record::MemberLine;
use crate::store::{self, Store};
use crate::tasks::Tasks;
use crate::telemetry::Metrics;

/// Reports in memory; past it the cache starts anew from the store.
const MOST: usize = 4_000;

/// Files from so many bytes on are read while they arrive: smaller ones come in a moment.
const EARLY: u64 = 256 << 10;

/// What the worker saw in a file that is in our blob store.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) readable: bool,
    pub(super) findings: Vec<Finding>,
    /// What the code can do and when.
    pub(super) behaviours: Vec<String>,
    /// The wheel's METADATA, exactly as in the wheel.
    pub(super) metadata: Option<Bytes>,
}

/// The quarantine. Cloning shares it.
#[derive(Clone)]
pub(super) struct Quarantine {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    known: Mutex<HashMap<Sha256, Arc<Read>>>,
    flights: Flights<Sha256, Arc<Read>>,
}

/// What the quarantine stands on.
pub(super) struct Parts {
    pub(super) upstream: Upstream,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) store: Arc<dyn Store>,
    pub(super) reader: Arc<Reader>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
}

impl Read {
    /// What a listing or a verdict needs of it.
    pub(super) fn seen(&self) -> Seen<'_> {
        Seen { readable: self.readable, findings: &self.findings, behaviours: &self.behaviours, delta: None }
    }
}

impl Quarantine {
    pub(super) fn new(parts: Parts) -> Self {
        let flights = Flights::new(parts.tasks.clone());
        Self { inner: Arc::new(Inner { parts, known: Mutex::default(), flights }) }
    }

    /// The file's report; fetched, kept and read when it was not yet.
    pub(super) async fn read(
        &self,
        project: &ProjectName,
        file: &IndexFile,
        digest: Sha256,
    ) -> Result<Arc<Read>, Problem> {
        if let Some(read) = self.known(&digest) {
            return Ok(read);
        }
        let (inner, file, project) = (Arc::clone(&self.inner), file.clone(), project.clone());
        self.inner.flights.join(digest, || async move { inner.obtain(&project, &file, digest).await }).await
    }

    /// Reads a file that is here once more, under today's detectors, without a download. Nothing when it is not here.
    pub(super) async fn read_again(
        &self,
        digest: Sha256,
        file_name: &str,
    ) -> Result<Option<bulkhead_detect::Report>, Problem> {
        let blobs = Arc::clone(&self.inner.parts.blobs);
        let opened = crate::blocking::run(move || blobs.open(&digest)).await?.map_err(|error| error.to_problem())?;
        let Some(blob) = opened else { return Ok(None) };
        let report = self.inner.parts.reader.pool().await?.inspect(blob.file, file_name).await?;
        let kept = store::Report::new(digest, &report, self.inner.parts.clock.now())?;
        let store = Arc::clone(&self.inner.parts.store);
        let put = crate::blocking::run(move || store.put_report(&kept)).await;
        if let Err(problem) = put.and_then(|put| put.map_err(|error| error.to_problem())) {
            tracing::warn!(%digest, %problem, "the report could not be kept");
        }
        Ok(Some(report))
    }

    /// The report, when it is in memory.
    pub(super) fn known(&self, digest: &Sha256) -> Option<Arc<Read>> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    /// Whether the file is here or on its way.
    pub(super) fn is_known(&self, digest: &Sha256) -> bool {
        self.known(digest).is_some() || self.inner.flights.contains(digest)
    }
}

impl Inner {
    async fn obtain(&self, project: &ProjectName, file: &IndexFile, digest: Sha256) -> Result<Arc<Read>, Problem> {
        let kept = self.kept(digest).await?;
        let read = match kept {
            Some(read) => read,
            None => {
                let report = match self.open(digest).await? {
                    Some(blob) => self.look(blob.file, &file.filename).await?,
                    None => self.fetch(project, file, digest).await?,
                };
                self.index(project, file, digest, &report).await?;
                self.keep(project, &file.filename, digest, &report).await?;
                from_report(report)
            }
        };
        let read = Arc::new(read);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(digest, Arc::clone(&read));
        drop(known);
        Ok(read)
    }

    /// The report from an earlier time, under today's detectors and with the blob still there.
    async fn kept(&self, digest: Sha256) -> Result<Option<Read>, Problem> {
        let store = Arc::clone(&self.parts.store);
        let kept = crate::blocking::run(move || store.report(&digest, bulkhead_detect::RULESET)).await?;
        let Some(kept) = kept.map_err(|error| error.to_problem())? else { return Ok(None) };
        if self.open(digest).await?.is_none() {
            return Ok(None);
        }
        let report: bulkhead_detect::Report = match serde_json::from_str(&kept.json) {
            Ok(report) => report,
            Err(error) => {
                tracing::warn!(%digest, %error, "a kept report cannot be read; the file is read again");
                return Ok(None);
            }
        };
        Ok(Some(from_report(report)))
    }

    async fn open(&self, digest: Sha256) -> Result<Option<Blob>, Problem> {
        let blobs = Arc::clone(&self.parts.blobs);
        let opened = crate::blocking::run(move || blobs.open(&digest)).await?;
        opened.map_err(|error| error.to_problem())
    }

    /// Fetches the file and reads it. The worker reads a large one while it arrives, and any other once the last byte is there,
    /// while the file is made durable; what it says about bytes with another digest than the promised one is dropped with them.
    async fn fetch(
        &self,
        project: &ProjectName,
        file: &IndexFile,
        digest: Sha256,
    ) -> Result<bulkhead_detect::Report, Problem> {
        let url = file.url.to_uri();
        let mut stream = self.parts.upstream.fetch_file(&url).await.map_err(|error| error.problem())?;
        let mut writer = self.parts.blobs.begin().map_err(|error| error.to_problem())?;
        let promised = stream.content_length().or(file.size).filter(|bytes| *bytes >= EARLY);
        let (tell, there) = watch::channel(0);
        let (hand_over, handed_over) = oneshot::channel();
        let reading = writer.reader().map_err(|error| error.to_problem())?;
        let transfer = async {
            let mut bytes: u64 = 0;
            while let Some(chunk) = stream.next_chunk().await.map_err(|error| error.problem())? {
                bytes += chunk.len() as u64;
                // Into the page cache: microseconds. The one slow step, making it durable, is `finish`.
                writer.write(&chunk).map_err(|error| error.to_problem())?;
                tell.send_replace(bytes);
            }
            // A worker that waits for more than was promised learns that nothing comes.
            drop(tell);
            let whole = writer.reader().map_err(|error| error.to_problem())?;
            // Nobody takes it when the client has gone meanwhile.
            let _ = hand_over.send((whole, bytes, Instant::now()));
            let finished = crate::blocking::run(move || writer.finish(digest)).await?;
            finished.map_err(|error| {
                let mut problem = error.to_problem();
                problem.detail = format!("{} of {project}: {}", file.filename, problem.detail);
                problem
            })?;
            Ok::<_, Problem>(bytes)
        };
        let judge = async {
            let early = match promised {
                Some(len) => {
                    self.parts.reader.pool().await?.inspect_arriving(reading, &file.filename, len, there).await
                }
                None => None,
            };
            let (whole, bytes, arrived) =
                handed_over.await.map_err(|_failed| Problem::new(Code::Bug, "no file came"))?;
            match early.filter(|_| promised == Some(bytes)) {
                Some(report) => {
                    self.parts.metrics.inspected(arrived.elapsed().as_secs_f64());
                    Ok(report)
                }
                None => self.look(whole, &file.filename).await,
            }
        };
        let (transferred, report) = tokio::join!(transfer, judge);
        self.parts.metrics.fetched(transferred?);
        report
    }

    /// What the worker sees in the file.
    async fn look(&self, file: File, file_name: &str) -> Result<bulkhead_detect::Report, Problem> {
        let began = Instant::now();
        let report = self.parts.reader.pool().await?.inspect(file, file_name).await?;
        self.parts.metrics.inspected(began.elapsed().as_secs_f64());
        Ok(report)
    }

    /// What is inside goes into the ledger before anything is served: a file in it that nobody knew to be bad is found
    /// later. It comes before the report is kept, so that a file whose contents are not recorded is read again.
    async fn index(
        &self,
        project: &ProjectName,
        file: &IndexFile,
        digest: Sha256,
        report: &bulkhead_detect::Report,
    ) -> Result<(), Problem> {
        let version =
            FileName::parse(&file.filename, project).ok().and_then(|name| name.version().map(ToString::to_string));
        let purl = version.map(|version| project.purl().at(version));
        let member = |member: &bulkhead_detect::Member| MemberLine { digest: member.sha256, path: member.path.clone() };
        self.parts.recorder.contents(purl, digest, report.members.iter().map(member).collect()).await
    }

    async fn keep(
        &self,
        project: &ProjectName,
        file_name: &str,
        digest: Sha256,
        report: &bulkhead_detect::Report,
    ) -> Result<(), Problem> {
        let kept = store::Report::new(digest, report, self.parts.clock.now())?;
        let version = FileName::parse(file_name, project).ok().and_then(|name| Some(name.version()?.to_string()));
        let reading = version.map(|version| store::Reading {
            purl: project.purl().at(version),
            file: file_name.to_owned(),
            digest,
            at: kept.judged_at,
        });
        let store = Arc::clone(&self.parts.store);
        let put = async move {
            let put = crate::blocking::run(move || {
                store.put_report(&kept)?;
                reading.map_or(Ok(()), |reading| store.note_reading(&reading))
            })
            .await;
            // A report that cannot be kept is still true; the file is read again after a restart.
            if let Err(problem) = put.and_then(|put| put.map_err(|error| error.to_problem())) {
                tracing::warn!(%digest, %problem, "the report could not be kept");
            }
        };
        // One with findings may change what is listed, and listings ask the store: that one is waited for.
        if report.findings.is_empty() {
            self.parts.tasks.spawn(put);
        } else {
            put.await;
        }
        Ok(())
    }
}

fn from_report(report: bulkhead_detect::Report) -> Read {
    let wheel = report.kind == bulkhead_detect::ArchiveKind::Wheel;
    let metadata = report.metadata.filter(|_| wheel).map(|metadata| Bytes::from(metadata.content.0));
    Read { readable: report.readable, findings: report.findings, behaviours: report.profile.words(), metadata }
}
