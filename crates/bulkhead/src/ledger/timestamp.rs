//! A time stamp (RFC 3161) over one checkpoint a day, kept beside that checkpoint: a third party's word on when it was.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bulkhead_ledger::timestamp::{self, MAX_ANSWER, QUERY_TYPE};
use bulkhead_ledger::{Checkpoint, Log};
use jiff::Timestamp;
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::net::remote::Remote;
use crate::stop::Stopping;
use crate::tasks::Tasks;

/// How often it is looked whether the day has its time stamp yet: an authority that is down is asked again then.
const LOOK: Duration = Duration::from_secs(600);

/// A time stamp that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped {
    /// The checkpoint, as it was stamped.
    pub checkpoint: PathBuf,
    /// The authority's answer.
    pub answer: PathBuf,
    /// How many entries the checkpoint covers.
    pub size: u64,
    /// The time in the token.
    pub time: String,
}

/// Takes one a day for as long as the server runs.
pub fn spawn(tasks: &Tasks, log: Log, folder: PathBuf, url: String, tls: Arc<ClientConfig>, mut stopping: Stopping) {
    tasks.spawn(async move {
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = look.tick() => {}
                () = stopping.wait() => return,
            }
            let now = Clock.now();
            // By the day's name: a clock that steps back finds the day's file there, one that steps on makes another.
            if folder.join(format!("{}.tsr", day(now))).exists() {
                continue;
            }
            let taken = tokio::select! {
                taken = take(&log, &folder, &url, &tls, now) => taken,
                () = stopping.wait() => return,
            };
            match taken {
                Ok(Stamped { size, time, .. }) => tracing::info!(size, time, "the day's checkpoint has a time stamp"),
                Err(error) => tracing::warn!(error = format!("{error:#}"), "no time stamp; it is asked for again"),
            }
        }
    });
}

/// Asks for a time stamp over the published checkpoint, and keeps both under the day's name. A day has one: a second
/// call that day replaces it.
///
/// # Errors
/// When the authority does not answer, refuses, or answers with a token for something else; when it cannot be kept.
pub async fn take(
    log: &Log,
    folder: &Path,
    url: &str,
    tls: &Arc<ClientConfig>,
    now: Timestamp,
) -> anyhow::Result<Stamped> {
    let note = log.cosigned().unwrap_or_else(|| log.checkpoint());
    let mut nonce = [0; 8];
    aws_lc_rs::rand::fill(&mut nonce).map_err(|_| anyhow::anyhow!("the system gave no randomness"))?;
    let nonce = u64::from_be_bytes(nonce);
    let answer = Remote::new(url, tls)?.post("", QUERY_TYPE, timestamp::query(&note, nonce), MAX_ANSWER).await?;
    anyhow::ensure!(answer.status.is_success(), "the authority at {url} answered {}", answer.status);
    let time = timestamp::check(&answer.body, &note, nonce).with_context(|| format!("the authority at {url}"))?;
    let size = Checkpoint::read_unverified(&note)?.size;
    let at = |end: &str| folder.join(format!("{}.{end}", day(now)));
    let stamped = Stamped { checkpoint: at("checkpoint"), answer: at("tsr"), size, time };
    let (files, bytes) = (stamped.clone(), answer.body);
    let folder = folder.to_owned();
    let kept = crate::blocking::run(move || -> std::io::Result<()> {
        crate::files::make_folder(&folder)?;
        crate::files::replace(&files.checkpoint, &note, 0o644)?;
        crate::files::replace(&files.answer, &bytes, 0o644)
    });
    kept.await.map_err(|problem| anyhow::anyhow!("{}", problem.detail))??;
    Ok(stamped)
}

fn day(now: Timestamp) -> String {
    now.to_string().chars().take(10).collect()
}
