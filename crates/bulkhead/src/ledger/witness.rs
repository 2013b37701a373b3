//! Cosigning in the background: each new checkpoint goes to the witnesses, and is published once a quorum has signed.
//!
//! Nothing waits for it. A witness that is down delays what the public checkpoint shows, never an append; the entries
//! meanwhile are durable, and `checkpoint.unwitnessed` covers them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_ledger::policy::Witness;
use bulkhead_ledger::witness::{ADD_CHECKPOINT, Answer, Cosignature, MAX_ANSWER, WitnessError, read, request};
use bulkhead_ledger::{Checkpoint, LedgerError, Log, Sequencer, Trust, VerifierKey, WitnessPolicy};
use rustls::ClientConfig;

use crate::net::remote::{Remote, RemoteError};
use crate::stop::Stopping;
use crate::tasks::Tasks;

/// A witness that others use too may be ahead of what we last knew once; not for ever.
const TRIES: u32 = 4;

/// What is known of one witness.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The size of the last checkpoint that it cosigned for us, and when by its own clock.
    pub cosigned: Option<(u64, u64)>,
    /// Why the last attempt failed; nothing when it did not.
    pub error: Option<String>,
    /// What it has seen of this log, by its own word.
    seen: u64,
}

/// The cosigning of one log. Cloning shares it.
#[derive(Clone)]
pub struct Witnessing(Arc<Inner>);

struct Inner {
    ledger: Arc<Sequencer>,
    policy: PathBuf,
    standing: Mutex<BTreeMap<String, Standing>>,
    /// Why the policy file is not in force.
    refused: Mutex<Option<String>>,
    /// One round at a time: a slower one must not publish an older checkpoint over a newer.
    round: tokio::sync::Mutex<()>,
}

/// One attempt came to nothing.
#[derive(Debug, thiserror::Error)]
enum Attempt {
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Witness(#[from] WitnessError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(
        "the witness has seen {seen} entries of this log, this ledger has signed {signed}: it was rolled back, or another one uses its key"
    )]
    Ahead { seen: u64, signed: u64 },
    #[error("the witness names another old size each time it is asked")]
    Unsteady,
}

impl Witnessing {
    /// Of that ledger, under the policy in that file; without the file there are no witnesses.
    pub fn new(ledger: Arc<Sequencer>, policy: PathBuf) -> Self {
        Self(Arc::new(Inner {
            ledger,
            policy,
            standing: Mutex::default(),
            refused: Mutex::default(),
            round: tokio::sync::Mutex::default(),
        }))
    }

    /// The policy as it stands in the file, for this log.
    ///
    /// # Errors
    /// When the file cannot be read or is not a policy.
    pub fn policy(&self) -> anyhow::Result<WitnessPolicy> {
        Ok(read_policy(&self.0.policy)?.for_log(self.key()))
    }

    /// The policy's file.
    pub fn file(&self) -> &Path {
        &self.0.policy
    }

    fn key(&self) -> &VerifierKey {
        self.0.ledger.verifier_key()
    }

    /// What is known of the witness of that name.
    pub fn standing(&self, name: &str) -> Standing {
        let standing = self.0.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.get(name).cloned().unwrap_or_default()
    }

    /// Why the policy file is not in force; nothing when it is.
    pub fn refused(&self) -> Option<String> {
        self.0.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the witnesses for as long as the server runs.
    pub fn spawn(&self, tasks: &Tasks, tls: Arc<ClientConfig>, every: Duration, mut stopping: Stopping) {
        let witnessing = self.clone();
        tasks.spawn(async move {
            let mut tick = tokio::time::interval(every);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = tick.tick() => {}
                    () = stopping.wait() => return,
                }
                tokio::select! {
                    () = witnessing.round(&tls) => {}
                    () = stopping.wait() => return,
                }
            }
        });
    }

    /// One round: every witness that has not cosigned the newest checkpoint is asked, and the checkpoint is published
    /// when those who have are a quorum. A policy file that does not read leaves everything as it is, and says so.
    pub async fn round(&self, tls: &Arc<ClientConfig>) {
        let _alone = self.0.round.lock().await;
        let witnessing = self.clone();
        let policy = crate::blocking::run(move || witnessing.policy()).await;
        let policy = match policy {
            Ok(Ok(policy)) => policy,
            Ok(Err(error)) => return self.refuse(format!("{error:#}")),
            Err(problem) => return self.refuse(problem.detail),
        };
        *self.0.refused.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if !policy.needs_witnesses() {
            return self.withdraw().await;
        }
        let log = self.0.ledger.log();
        let note = log.checkpoint();
        if log.cosigned().is_some_and(|cosigned| cosigned.starts_with(&note) && policy.check(&cosigned).is_ok()) {
            return;
        }
        let Ok(checkpoint) = Checkpoint::read_unverified(&note) else { return };
        let mut lines = Vec::new();
        let asked: Vec<&Witness> = policy.witnesses().iter().filter(|witness| witness.url.is_some()).collect();
        let answers = asked.iter().map(|witness| self.ask(witness, &log, &note, checkpoint.size, tls));
        for (witness, answer) in asked.iter().zip(join_all(answers).await) {
            let mut standing = self.0.standing.lock().unwrap_or_else(PoisonError::into_inner);
            let known = standing.entry(witness.name.clone()).or_default();
            match answer {
                Ok(Cosignature { cosigned, line }) => {
                    known.cosigned = Some((checkpoint.size, cosigned.timestamp));
                    (known.seen, known.error) = (checkpoint.size, None);
                    lines.extend(line);
                }
                Err(error) => {
                    let error = error.to_string();
                    if known.error.as_ref() != Some(&error) {
                        tracing::warn!(witness = witness.name, %error, "a witness did not cosign");
                    }
                    known.error = Some(error);
                }
            }
        }
        let cosigned = [note, lines].concat();
        if policy.check(&cosigned).is_err() {
            return;
        }
        let ledger = Arc::clone(&self.0.ledger);
        let published = crate::blocking::run(move || ledger.publish_cosigned(Some(&cosigned))).await;
        if let Ok(Err(error)) = published {
            tracing::error!(%error, "the cosigned checkpoint could not be published");
        }
    }

    /// Submits the checkpoint to one witness (C2SP tlog-witness, `add-checkpoint`). A conflict names the size to start
    /// from.
    async fn ask(
        &self,
        witness: &Witness,
        log: &Log,
        note: &[u8],
        size: u64,
        tls: &Arc<ClientConfig>,
    ) -> Result<Cosignature, Attempt> {
        let remote = Remote::new(witness.url.as_deref().unwrap_or_default(), tls)?;
        let mut old = self.standing(&witness.name).seen;
        for _ in 0..TRIES {
            if old > size {
                return Err(Attempt::Ahead { seen: old, signed: size });
            }
            let from = log.clone();
            let proof = crate::blocking::run(move || from.consistency_proof(old, size)).await;
            let proof = proof.map_err(|_| LedgerError::Closed)??;
            let body = request(old, &proof, note);
            let answer = remote.post(ADD_CHECKPOINT, "text/plain; charset=utf-8", body, MAX_ANSWER).await?;
            match read(answer.status.as_u16(), &answer.body, note, &witness.key)? {
                Answer::Cosigned(cosignature) => return Ok(cosignature),
                Answer::Conflict(seen) => {
                    let mut standing = self.0.standing.lock().unwrap_or_else(PoisonError::into_inner);
                    standing.entry(witness.name.clone()).or_default().seen = seen;
                    old = seen;
                }
            }
        }
        Err(Attempt::Unsteady)
    }

    fn refuse(&self, why: String) {
        let mut refused = self.0.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.as_ref() != Some(&why) {
            tracing::error!(why, "the witness policy is not in force; checkpoints are not cosigned");
        }
        *refused = Some(why);
    }

    /// Without a quorum to ask for, the public checkpoint is the newest signed one again.
    async fn withdraw(&self) {
        if self.0.ledger.log().cosigned().is_none() {
            return;
        }
        let ledger = Arc::clone(&self.0.ledger);
        if let Ok(Err(error)) = crate::blocking::run(move || ledger.publish_cosigned(None)).await {
            tracing::error!(%error, "the cosigned checkpoint could not be withdrawn");
        }
    }
}

/// The policy in the file; one without witnesses when there is no file.
///
/// # Errors
/// When the file cannot be read or is not a policy.
pub fn read_policy(path: &Path) -> anyhow::Result<WitnessPolicy> {
    use anyhow::Context as _;
    if !path.exists() {
        return Ok(WitnessPolicy::none());
    }
    let text = crate::files::read_text(path)?;
    text.parse().with_context(|| path.display().to_string())
}

/// Adds a witness to the policy in the file, and makes the quorum `needed` of all witnesses: `any`, `all` or a number.
///
/// # Errors
/// When the file holds groups that a person wrote: only that person knows what the quorum should be then. When the
/// witness is there already, or its words are not what a policy takes.
pub fn add_to_policy(
    path: &Path,
    name: &str,
    key: &str,
    url: &str,
    needed: Option<&str>,
) -> anyhow::Result<WitnessPolicy> {
    let (mut kept, mut names) = (Vec::new(), Vec::new());
    let text = if path.exists() { crate::files::read_text(path)? } else { HEAD.to_owned() };
    let mut before: Option<String> = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["group", GROUP, count, ..] => before = Some((*count).to_owned()),
            ["quorum", GROUP | "none"] => {}
            ["group" | "quorum", ..] => anyhow::bail!(
                "{} has groups or a quorum of its own: add the witness there by hand, and say what the quorum is",
                path.display()
            ),
            ["witness", name, ..] => {
                names.push((*name).to_owned());
                kept.push(line.to_owned());
            }
            _ => kept.push(line.to_owned()),
        }
    }
    names.push(name.to_owned());
    kept.push(format!("witness {name} {key} {url}"));
    let majority = (names.len() / 2 + 1).to_string();
    let words = before.filter(|count| matches!(count.as_str(), "any" | "all"));
    let needed = needed.map(str::to_owned).or(words).unwrap_or(majority);
    kept.push(format!("group {GROUP} {needed} {}", names.join(" ")));
    kept.push(format!("quorum {GROUP}"));
    let text = kept.join("\n") + "\n";
    let policy: WitnessPolicy = text.parse()?;
    crate::files::replace(path, text.as_bytes(), 0o644)?;
    Ok(policy)
}

/// The group that `bulkhead ledger witness add` keeps.
const GROUP: &str = "witnesses";
const HEAD: &str = "# Who cosigns this ledger's checkpoints (C2SP tlog-policy). Read again while the server runs.\n";

/// All of them at once; there are few.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut ready = true;
        for (future, output) in &mut waiting {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, output)| output).collect()
}

#[cfg(test)]
mod tests;
