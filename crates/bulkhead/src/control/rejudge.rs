//! What was let in earlier, judged once more under today's detectors and rules, from our own blobs: no download. The answer
//! that counts is who has what now fails.

use std::sync::Arc;

use bulkhead_core::{
    Action, Context, Ecosystem, Effect, Facts, Finding, Gate, Principal, Problem, Purl, Reason, Resource, Severity,
    Sha256, Verdict, VerdictId,
};
use bulkhead_detect::{ArchiveKind, RULESET, Report};
use bulkhead_ledger::Entry;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::act::stored;
use crate::app::{App, control_ask};
use crate::source::{advisory, age, dependency, read, reserved};
use crate::spine::{self, Reviewed};
use crate::store::{self, Reading, Release, detail};

/// Files read side by side: a worker each, and one that is being opened.
const AT_ONCE: usize = 4;
/// Entries looked at per file.
const ENTRIES: usize = 10_000;
/// Findings shown per file.
const SHOWN: usize = 5;

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rejudged {
    /// The detectors that judged.
    pub ruleset: String,
    /// SHA-256 of the policy that judged.
    pub policy: String,
    /// Files judged: those that somebody received.
    pub judged: u64,
    /// Files that are kept and never came in: fetched for a comparison or ahead of an install, received by nobody.
    pub outside: u64,
    /// Of those, files that had to be read again, because detectors have changed.
    pub read: u64,
    /// Files that are known and no longer here, so that they could not be judged by their content.
    pub gone: Vec<String>,
    /// What fails now, the strictest first.
    pub failing: Vec<Failing>,
    /// The entry that records this run.
    pub entry: u64,
}

/// A file that would be refused today.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Failing {
    /// The release.
    pub purl: String,
    /// The file.
    pub file: String,
    /// Its SHA-256.
    pub digest: String,
    /// hold or deny.
    pub effect: Effect,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The worst findings.
    pub findings: Vec<Finding>,
    /// Who received it.
    pub has: Vec<Holder>,
    /// The entry that records the verdict.
    pub entry: u64,
}

/// Somebody who received a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Holder {
    /// Who.
    pub principal: String,
    /// From where.
    pub address: Option<String>,
    /// In which contained run.
    pub run: Option<String>,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// How often.
    pub times: u64,
    /// The newest entry's id.
    pub verdict: String,
}

/// A verdict with what it rests on.
struct Sentence {
    verdict: Verdict,
    findings: Vec<Finding>,
    /// What could not be learned.
    unknown: Vec<String>,
}

/// One file, judged.
struct Outcome {
    reading: Reading,
    /// Nothing when the file is gone.
    verdict: Option<Sentence>,
    read: bool,
    has: Vec<Holder>,
}

pub(super) async fn rejudge(app: &Arc<App>) -> Result<Rejudged, Problem> {
    app.projected().await?;
    let store = Arc::clone(app.store());
    let readings = stored(crate::blocking::run(move || store.readings(None)).await?)?;
    let (mut outcomes, mut outside) = (Vec::with_capacity(readings.len()), 0);
    for some in readings.chunks(AT_ONCE) {
        let mut coming = Vec::new();
        for reading in some {
            let (done, answer) = tokio::sync::oneshot::channel();
            let (app, reading) = (Arc::clone(app), reading.clone());
            app.clone().tasks().spawn(async move { drop(done.send(one(&app, reading).await)) });
            coming.push(answer);
        }
        for answer in coming {
            let gone = |_| Problem::new(bulkhead_core::Code::Bug, "a file's task ended without an answer");
            match answer.await.map_err(gone)?? {
                Some(outcome) => outcomes.push(outcome),
                None => outside += 1,
            }
        }
    }
    let rejudged = record(app, outcomes, outside).await?;
    super::watch::tell_log(app).await?;
    Ok(rejudged)
}

/// Records each refusal and the run as a whole. The entries come before the answer.
async fn record(app: &Arc<App>, outcomes: Vec<Outcome>, outside: u64) -> Result<Rejudged, Problem> {
    let (judged, read) = (outcomes.len() as u64, outcomes.iter().filter(|outcome| outcome.read).count() as u64);
    let policy = app.spine().in_force().digest;
    let (mut failing, mut gone) = (Vec::new(), Vec::new());
    for Outcome { reading, verdict, has, .. } in outcomes {
        let Some(Sentence { verdict, findings, unknown }) = verdict else {
            gone.push(format!("{} ({})", reading.file, reading.purl));
            continue;
        };
        if verdict.effect.passes() {
            continue;
        }
        let Reading { purl, file, digest, .. } = reading;
        let resource = Resource {
            purl: Some(purl.clone()),
            file: Some(file.clone()),
            digest: Some(digest),
            ..Resource::default()
        };
        let ask = control_ask(Action::Rejudge, "operator", resource);
        let mut entry = Entry::new(&ask, &verdict, spine::entry_time(app.clock().now()), policy)
            .with_detail("ruleset", RULESET)
            .with_detail("holders", has.len().to_string());
        if !unknown.is_empty() {
            entry = entry.with_detail(detail::UNKNOWN, unknown.join(" "));
        }
        let entry = app.spine().record(entry).await?.entry().0;
        let findings = findings.into_iter().filter(|f| f.severity > Severity::Low).take(SHOWN).collect();
        let (purl, digest) = (purl.to_string(), digest.to_hex());
        let Verdict { effect, reasons } = verdict;
        failing.push(Failing { purl, file, digest, effect, reasons, findings, has, entry });
    }
    failing.sort_by_key(|failing| std::cmp::Reverse(failing.effect));
    let ask = control_ask(Action::Rejudge, "operator", Resource::default());
    let entry = Entry::new(&ask, &Verdict::plain(Effect::Allow), spine::entry_time(app.clock().now()), policy)
        .with_detail("ruleset", RULESET)
        .with_detail("judged", judged.to_string())
        .with_detail("failing", failing.len().to_string());
    let entry = app.spine().record(entry).await?.entry().0;
    Ok(Rejudged { ruleset: RULESET.to_owned(), policy: policy.to_hex(), judged, outside, read, gone, failing, entry })
}

/// Nothing when nobody received the file: it never came in, and is judged when somebody asks for it.
async fn one(app: &Arc<App>, reading: Reading) -> Result<Option<Outcome>, Problem> {
    let (asking, digest) = (Arc::clone(app), reading.digest);
    let (has, uploaded) = crate::blocking::run(move || holders(&asking, &digest)).await??;
    if has.is_empty() {
        return Ok(None);
    }
    let (report, read) = report(app, &reading).await?;
    let verdict = match report {
        None => None,
        Some(report) => {
            let (judge, asked) = (Arc::clone(app), reading.clone());
            Some(crate::blocking::run(move || judged(&judge, &asked, &report, uploaded)).await??)
        }
    };
    Ok(Some(Outcome { reading, verdict, read, has }))
}

/// The report under today's detectors, and whether the file had to be read for it.
async fn report(app: &Arc<App>, reading: &Reading) -> Result<(Option<Report>, bool), Problem> {
    let (store, blobs, digest) = (Arc::clone(app.store()), Arc::clone(app.blobs()), reading.digest);
    let kept = stored(crate::blocking::run(move || store.report(&digest, RULESET)).await?)?;
    if let Some(report) = kept.and_then(|kept| serde_json::from_str(&kept.json).ok()) {
        return Ok((Some(report), false));
    }
    let opened = crate::blocking::run(move || blobs.open(&digest)).await?.map_err(|error| error.to_problem())?;
    let Some(blob) = opened else { return Ok((None, false)) };
    let kind = match reading.purl.ecosystem() {
        Ecosystem::Npm => ArchiveKind::Npm,
        Ecosystem::Cargo => ArchiveKind::Crate,
        Ecosystem::Pypi | Ecosystem::Huggingface => ArchiveKind::of(&reading.file),
    };
    let report = app.reader().pool().await?.inspect_as(blob.file, kind, &reading.file).await?;
    let kept = store::Report::new(digest, &report, app.clock().now())?;
    let store = Arc::clone(app.store());
    stored(crate::blocking::run(move || store.put_report(&kept)).await?)?;
    Ok((Some(report), true))
}

/// The verdict from what is known without the upstream.
fn judged(app: &App, reading: &Reading, report: &Report, uploaded: Option<Timestamp>) -> Result<Sentence, Problem> {
    let store = &**app.store();
    let (in_force, now) = (app.spine().in_force(), app.clock().now());
    let settings = in_force.policy.settings();
    let mut facts = Facts::new();
    facts.set("file.kind", report.kind.as_str());
    // It was fetched under the hash that the index promised: quarantine keeps nothing else.
    facts.set("file.has_hash", true);
    age::gather(&mut facts, uploaded.map_or(age::Told::Nothing, age::Told::At), Some(reading.at), now);
    reserved::gather(&mut facts, &reading.purl, settings);
    let release = reading.purl.version().and_then(|version| Release::parse(reading.purl.ecosystem(), version));
    let by_name = stored(store.advisories_on(&reading.purl))?;
    let by_file = stored(store.advisories_with_files(&[reading.digest]))?;
    let of_file = by_file.get(&reading.digest).map(Vec::as_slice).unwrap_or_default();
    advisory::gather_release(&mut facts, release.as_ref(), &by_name, of_file);
    advisory::gather_age(&mut facts, &stored(store.feeds())?, settings, now);
    facts.set("content.judged", true);
    let deltas = stored(store.deltas_for(&[reading.digest], RULESET))?;
    let kept = deltas.get(&reading.digest);
    let delta = kept.map(|kept| &kept.delta);
    read::gather(&mut facts, report.readable, &report.findings, &report.profile.words(), delta);
    if let Some(kept) = kept {
        dependency::gather(&mut facts, &kept.delta, &kept.born, uploaded.unwrap_or(reading.at));
    }
    let project = project(&reading.purl);
    let reviewed = Reviewed::new(stored(store.decisions_for(&project))?, &in_force.policy);
    let ask = bulkhead_core::Ask {
        gate: Gate::Intake,
        principal: Principal::local(),
        action: Action::Fetch,
        resource: Resource {
            purl: Some(reading.purl.clone()),
            file: Some(reading.file.clone()),
            digest: Some(reading.digest),
            ..Resource::default()
        },
        context: Context::default(),
    };
    let verdict = in_force.judge(&ask, &facts, &reviewed, now);
    // For an upload time that nobody recorded, the first sight stands in.
    let sources = facts.unknowns.iter().map(|unknown| unknown.source.clone());
    let unknown = sources.filter(|source| source != "upload-time").collect();
    Ok(Sentence { verdict, findings: facts.findings, unknown })
}

/// Who received the file, and its upload time as entries tell it.
fn holders(app: &App, digest: &Sha256) -> Result<(Vec<Holder>, Option<Timestamp>), Problem> {
    let mut holders: Vec<Holder> = Vec::new();
    let mut uploaded = None;
    for (index, entry) in stored(app.store().entries_with_digest(digest, ENTRIES))? {
        let received = entry.gate == Gate::Intake && entry.action == Action::Fetch && entry.effect.passes();
        if entry.gate == Gate::Intake {
            uploaded = uploaded.or_else(|| entry.detail.get(detail::UPLOADED)?.parse().ok());
        }
        if !received {
            continue;
        }
        let at = time(&entry);
        let (principal, address) = (entry.principal.to_string(), entry.context.address.clone());
        let run = entry.context.run.map(|run| run.to_string());
        let known = holders.iter_mut().find(|h| h.principal == principal && h.address == address && h.run == run);
        match known {
            // Newest entries come first.
            Some(holder) => (holder.first, holder.times) = (at, holder.times + 1),
            None => {
                let verdict = VerdictId(index).to_string();
                holders.push(Holder { principal, address, run, first: at, last: at, times: 1, verdict });
            }
        }
    }
    Ok((holders, uploaded))
}

fn time(entry: &Entry) -> Timestamp {
    let millis = i64::try_from(entry.time.unix_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

fn project(purl: &Purl) -> Purl {
    Purl::project(purl.ecosystem(), purl.name()).expect("invariant: the name of a purl is a name")
}
