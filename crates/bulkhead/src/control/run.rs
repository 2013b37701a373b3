//! What a run's supervisor writes into the ledger, and what is asked of it afterwards.

use std::sync::Arc;

use bulkhead_core::{Ask, Code, Context, Gate, Principal, Problem, Reason, Resource, RunId, Verdict};
use bulkhead_ledger::Entry;
use serde::{Deserialize, Serialize};

use super::act::stored;
use crate::app::App;
use crate::gate::runtime::record::RunLine;
use crate::spine;

/// Entries of a run that are shown at most.
const MOST_SHOWN: usize = 10_000;

/// The entries that recorded it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recorded {
    /// Their indices.
    pub entries: Vec<u64>,
}

/// One entry of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunRow {
    /// Its index.
    pub entry: u64,
    /// When it was recorded.
    pub time: String,
    /// Who ran it.
    pub principal: String,
    /// What it says.
    #[serde(flatten)]
    pub line: RunLine,
}

/// A run, as its entries have it, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunShown {
    /// Which.
    pub run: RunId,
    /// Its entries.
    pub rows: Vec<RunRow>,
}

/// One run in a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunListed {
    /// Which.
    pub run: RunId,
    /// Its first entry.
    pub entry: u64,
    /// When it started.
    pub started: String,
    /// How long it took, in seconds; unknown where its end is not recorded.
    pub took: Option<f64>,
    /// Who ran it.
    pub principal: String,
    /// Where.
    pub host: Option<String>,
    /// The program.
    pub command: Option<String>,
    /// Its profile.
    pub profile: Option<String>,
    /// How it ended; unknown while it runs, and where its supervisor was killed.
    pub ended: Option<String>,
    /// How much was refused; known at its end.
    pub refused: Option<u64>,
}

/// Runs, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Runs {
    /// Them.
    pub runs: Vec<RunListed>,
}

/// Records lines of a run, in order, and answers when all of them are durable.
pub(super) async fn record(
    app: &Arc<App>,
    run: RunId,
    principal: String,
    lines: Vec<RunLine>,
) -> Result<Recorded, Problem> {
    let policy = app.spine().in_force().digest;
    let mut entries = Vec::new();
    for line in lines {
        let RunLine { action, effect, about, digest, rule, text, detail } = line;
        let reason = (!rule.is_empty()).then(|| Reason {
            rule,
            effect,
            text,
            help: String::new(),
            audit: false,
            excepted_by: None,
        });
        let ask = Ask {
            gate: Gate::Runtime,
            principal: Principal::new(principal.clone()),
            action,
            resource: Resource { file: about, digest, ..Resource::default() },
            context: Context { run: Some(run), ..Context::default() },
        };
        let verdict = Verdict { effect, reasons: reason.into_iter().collect() };
        let mut entry = Entry::new(&ask, &verdict, spine::entry_time(app.clock().now()), policy);
        for (name, value) in detail {
            entry = entry.with_detail(&name, value);
        }
        entries.push(app.spine().record(entry).await?.entry().0);
    }
    Ok(Recorded { entries })
}

/// Everything that was recorded of a run. `id` may be the beginning of one, when only one run begins so.
pub(super) async fn show(app: &Arc<App>, id: &str) -> Result<RunShown, Problem> {
    app.projected().await?;
    let run = find(app, id)?;
    let rows = stored(app.store().entries_of_run(&run, MOST_SHOWN))?;
    if rows.is_empty() {
        return Err(unknown(id));
    }
    let row = |(index, entry): (bulkhead_core::EntryIndex, Entry)| {
        let mut reason = entry.reasons.first().cloned();
        if reason.is_none() && entry.gate == Gate::Egress && !entry.effect.passes() {
            let (text, help) = ("no rule allows it, and the gate refuses by default".to_owned(), String::new());
            let (rule, effect) = ("default".to_owned(), entry.effect);
            reason = Some(Reason { rule, effect, text, help, audit: false, excepted_by: None });
        }
        RunRow {
            entry: index.0,
            time: entry.time.to_string(),
            principal: entry.principal.to_string(),
            line: RunLine {
                action: entry.action,
                effect: entry.effect,
                about: entry.resource.file.or(entry.resource.host),
                digest: entry.resource.digest,
                rule: reason.as_ref().map(|reason| reason.rule.clone()).unwrap_or_default(),
                text: reason.map(|reason| reason.text).unwrap_or_default(),
                detail: entry.detail,
            },
        }
    };
    Ok(RunShown { run, rows: rows.into_iter().rev().map(row).collect() })
}

/// The newest runs, newest first: each as its first and its last entry tell it.
pub(super) async fn list(app: &Arc<App>, last: usize) -> Result<Runs, Problem> {
    app.projected().await?;
    let runs = stored(app.store().latest_runs(last.min(MOST_SHOWN)))?;
    let listed = |(first, last): ((bulkhead_core::EntryIndex, Entry), (bulkhead_core::EntryIndex, Entry))| {
        let ((index, first), (_, last)) = (first, last);
        let of = |entry: &Entry, name: &str| entry.detail.get(name).filter(|text| !text.is_empty()).cloned();
        Some(RunListed {
            run: first.context.run?,
            entry: index.0,
            started: of(&first, "start").unwrap_or_else(|| first.time.to_string()),
            took: of(&last, "start").zip(of(&last, "end")).and_then(|(start, end)| took(&start, &end)),
            principal: first.principal.to_string(),
            host: of(&first, "host"),
            command: of(&first, "command"),
            profile: of(&first, "profile"),
            ended: of(&last, "ended"),
            refused: of(&last, "refused").and_then(|count| count.parse().ok()),
        })
    };
    Ok(Runs { runs: runs.into_iter().filter_map(listed).collect() })
}

/// Seconds between two times.
fn took(start: &str, end: &str) -> Option<f64> {
    let (start, end): (jiff::Timestamp, jiff::Timestamp) = (start.parse().ok()?, end.parse().ok()?);
    Some(end.duration_since(start).as_secs_f64())
}

fn find(app: &Arc<App>, id: &str) -> Result<RunId, Problem> {
    if let Ok(run) = id.parse() {
        return Ok(run);
    }
    let latest = stored(app.store().latest_entries(MOST_SHOWN))?;
    let mut runs: Vec<RunId> = latest.iter().filter_map(|(_, entry)| entry.context.run).collect();
    runs.retain(|run| run.to_string().starts_with(id));
    runs.sort_unstable();
    runs.dedup();
    match runs.as_slice() {
        [one] if id.len() >= 4 => Ok(*one),
        [_, _, ..] => Err(Problem::new(Code::BadRequest, format!("{} runs begin with {id}", runs.len()))
            .with_help("give more of the id")),
        _ => Err(unknown(id)),
    }
}

fn unknown(id: &str) -> Problem {
    Problem::new(Code::NotFound, format!("no entry is about a run {id}"))
        .with_help("the id is in the first and last line of every run, and in: bulkhead run list")
}
