//! `bulkhead scan`: what is there already, under the policy.

use std::path::Path;
use std::sync::Arc;

use bulkhead_core::policy::{DEFAULT, Policy};
use bulkhead_core::{Effect, Problem};
use bulkhead_detect::RULESET;
use jiff::Timestamp;

use super::call::call;
use super::output::{Format, Output};
use super::progress::Progress;
use super::{Done, Failure, Place, evidence, paint};
use crate::app::Paths;
use crate::clock::Clock;
use crate::control::{self, Explanation, Looked, Request};
use crate::scan::judge;
use crate::scan::target::{self, Target, Work};
use crate::scan::{Item, LARGEST, Parcel, Scanned, sarif};
use crate::store::SqliteStore;
use crate::tasks::Tasks;
use crate::worker::{Pool, PoolOptions};

/// Purls in one request: a request has at most 64 KiB.
const ASKED: usize = 200;

/// Look at what is there already: an archive, a folder, an environment, a lockfile or a release, under the policy
///
/// Everything is read by the contained worker and nothing is run. Exit code 1 where the policy would refuse.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A wheel, sdist, npm tarball or crate; a folder, a virtual environment, site-packages or node_modules; a lockfile; or a
    /// release such as pkg:pypi/litellm@1.82.6
    target: String,

    /// Show everything that was seen, not only what is refused
    #[arg(long)]
    all: bool,

    /// No progress bar
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(place: &Place, args: &Args, output: &Output) -> Result<Done, Failure> {
    let (policy, origin) = policy(place)?;
    let scanned = if args.target.starts_with("pkg:") {
        release(place, args, &origin)?
    } else {
        let target = target::find(Path::new(&args.target)).map_err(|error| Failure::Usage(error.to_string()))?;
        let what = target.what.clone();
        let progress = Progress::new(target.work.len(), !args.quiet && output.format() == Format::Text);
        let (items, files, notes) = read(place, &policy, target, progress)?;
        let effect = items.iter().map(|item| item.effect).max().unwrap_or(Effect::Allow);
        Scanned {
            target: args.target.clone(),
            what,
            ruleset: RULESET.to_owned(),
            policy: origin,
            effect,
            items,
            files,
            notes,
        }
    };
    match output.format() {
        Format::Sarif => output.facts(&sarif::document(&scanned), |_| String::new())?,
        Format::Json | Format::Text | Format::Jsonl | Format::Ocsf => {
            output.facts(&scanned, |scanned| text(scanned, args.all))?
        }
    }
    Ok(if scanned.effect.passes() { Done::Good } else { Done::Refused })
}

/// The policy in the data folder when there is one, else the shipped one.
pub(super) fn policy(place: &Place) -> Result<(Policy, String), Failure> {
    let path = Paths::new(&place.load()?.server.data).policy;
    let (text, origin) = match crate::files::read_text(&path) {
        Ok(text) => (text, path.display().to_string()),
        Err(_) => (DEFAULT.to_owned(), "shipped".to_owned()),
    };
    let policy = Policy::parse(&text, &origin).map_err(|errors| Failure::Usage(errors.to_string()))?;
    Ok((policy, origin))
}

/// What advisories and the ledger say. Without a data folder there are the built-in advisories and no ledger.
fn lookup(place: &Place, purls: &[String]) -> Result<Vec<Looked>, Failure> {
    if purls.is_empty() {
        return Ok(Vec::new());
    }
    if !place.load()?.server.data.is_dir() {
        let failed = |error: crate::store::StoreError| Failure::from(error.to_problem());
        let store = SqliteStore::in_memory().map_err(failed)?;
        crate::source::seed::plant(&store, Clock.now()).map_err(|error| Failure::Other(anyhow::Error::new(error)))?;
        return control::lookup(&store, purls).map_err(failed);
    }
    let mut all = Vec::new();
    for some in purls.chunks(ASKED) {
        let looked: Vec<Looked> = call(place, Request::Lookup { purls: some.to_vec() })?;
        all.extend(looked);
    }
    Ok(all)
}

type ReadItems = (Vec<Item>, u64, Vec<String>);

/// Reads and judges everything in the target.
fn read(place: &Place, policy: &Policy, target: Target, progress: Progress) -> Result<ReadItems, Failure> {
    let now = Clock.now();
    let Target { work, purls, mut notes, .. } = target;
    let mut items: Vec<Item> =
        lookup(place, &purls)?.into_iter().map(|known| judge::release(policy, now, known)).collect();
    let mut files = 0;
    if !work.is_empty() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(anyhow::Error::new)?;
        let reports = runtime.block_on(reports(work, progress))?;
        let named: Vec<String> = reports.iter().filter_map(|done| done.as_ref().ok()?.0.purl.clone()).collect();
        let known = lookup(place, &named)?;
        for done in reports {
            match done {
                Ok((parcel, report)) => {
                    files += report.members.len() as u64;
                    let too_large = |file: &String| {
                        format!("{}: {file} is larger than {} MiB and was NOT looked at", parcel.name, LARGEST >> 20)
                    };
                    notes.extend(parcel.passed_over.iter().map(too_large));
                    let known = known.iter().find(|known| Some(&known.purl) == parcel.purl.as_ref()).cloned();
                    items.push(judge::parcel(policy, now, parcel, report, known));
                }
                Err((name, why)) => items.push(judge::unread(policy, now, name, &why)),
            }
        }
    }
    items.sort_by(|a, b| (b.effect, b.score, &a.name).cmp(&(a.effect, a.score, &b.name)));
    Ok((items, files, notes))
}

/// What was read, or the name of what could not be and why.
type Answer = Result<(Parcel, bulkhead_detect::Report), (String, String)>;

/// Packs and reads, as many side by side as there are workers.
async fn reports(work: Vec<Work>, mut progress: Progress) -> Result<Vec<Answer>, Problem> {
    let options = PoolOptions::default();
    let size = options.size.get();
    let pool = Pool::start(options).await?;
    let (tasks, work) = (Tasks::default(), Arc::new(std::sync::Mutex::new(work.into_iter().rev().collect::<Vec<_>>())));
    let (done, mut coming) = tokio::sync::mpsc::unbounded_channel();
    // One more than workers: while they read, the next is packed.
    for _ in 0..=size {
        let (pool, work, done) = (pool.clone(), Arc::clone(&work), done.clone());
        tasks.spawn(async move {
            loop {
                let next = work.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
                let Some(next) = next else { return };
                let label = next.label();
                let answer = one(&pool, next).await;
                if done.send((label, answer)).is_err() {
                    return;
                }
            }
        });
    }
    drop(done);
    let mut answers = Vec::new();
    while let Some((label, answer)) = coming.recv().await {
        progress.step(&label);
        answers.extend(answer?);
    }
    progress.end();
    Ok(answers)
}

async fn one(pool: &Pool, work: Work) -> Result<Option<Answer>, Problem> {
    let label = work.label();
    let packed = crate::blocking::run(move || work.parcel()).await?;
    let parcel = match packed {
        Ok(Some(parcel)) => parcel,
        Ok(None) => return Ok(None),
        // What could not be read is said, and the rest is looked at.
        Err(error) => return Ok(Some(Err((label, error.to_string())))),
    };
    let file = parcel.file.try_clone();
    let file = file.map_err(|error| Problem::new(bulkhead_core::Code::StorageUnavailable, error.to_string()))?;
    let report = pool.inspect_as(file, parcel.kind, &parcel.file_name).await?;
    Ok(Some(Ok((parcel, report))))
}

/// A release of the registry: read into quarantine, by the server that runs or by this process.
fn release(place: &Place, args: &Args, origin: &str) -> Result<Scanned, Failure> {
    let explanation: Explanation = call(place, Request::ScanRelease { subject: args.target.clone() })?;
    let known = lookup(place, std::slice::from_ref(&args.target))?.into_iter().next();
    let items: Vec<Item> = explanation
        .files
        .into_iter()
        .map(|file| Item {
            name: file.file,
            purl: Some(args.target.clone()),
            effect: file.effect,
            reasons: file.reasons,
            score: bulkhead_detect::score(&file.facts.findings),
            behaviours: match file.facts.get("content.behaviours") {
                Some(bulkhead_core::Value::List(words)) => words.clone(),
                _ => Vec::new(),
            },
            findings: file.facts.findings,
            known: known.clone(),
            advice: None,
        })
        .collect();
    let effect = items.iter().map(|item| item.effect).max().unwrap_or(Effect::Allow);
    let (target, what, files) = (args.target.clone(), "a release".to_owned(), items.len() as u64);
    let (ruleset, policy, notes) = (RULESET.to_owned(), origin.to_owned(), Vec::new());
    Ok(Scanned { target, what, ruleset, policy, effect, items, files, notes })
}

fn text(scanned: &Scanned, all: bool) -> String {
    let mut out = String::new();
    for item in &scanned.items {
        let refused = !item.effect.passes();
        let served = item.known.as_ref().is_some_and(|known| known.served > 0);
        let seen = all && (judge::worst(item).next().is_some() || !item.reasons.is_empty() || served);
        if refused || seen {
            item_text(&mut out, item, all);
        }
    }
    let refused = scanned.items.iter().filter(|item| !item.effect.passes()).count();
    let summary = match refused {
        0 => paint::good("nothing that the policy refuses"),
        1 => paint::bad("1 thing that the policy refuses"),
        count => paint::bad(&format!("{count} things that the policy refuses")),
    };
    out.push_str(&format!("{}: {}, {summary}\n", scanned.target, scanned.what));
    let files = if scanned.files > 0 { format!("{} files read, ", scanned.files) } else { String::new() };
    out.push_str(&format!("  {files}detectors {}, policy {}\n", scanned.ruleset, scanned.policy));
    for note in &scanned.notes {
        out.push_str(&format!("  note: {note}\n"));
    }
    let quiet = scanned.items.iter().filter(|item| item.effect.passes() && judge::worst(item).next().is_some()).count();
    if !all && quiet > 0 {
        out.push_str(&format!("  {quiet} more with something worth a look, not refused: --all shows them\n"));
    }
    out
}

fn item_text(out: &mut String, item: &Item, all: bool) {
    let word = match item.effect {
        Effect::Deny => paint::bad("denied"),
        Effect::Hold => paint::bad("held"),
        Effect::Allow | Effect::Transform => "allowed".to_owned(),
    };
    out.push_str(&format!("{}  {word}\n", paint::strong(&item.name)));
    for reason in item.reasons.iter().filter(|reason| all || !reason.effect.passes()) {
        let audit = if reason.audit { " (audit only)" } else { "" };
        out.push_str(&format!("  rule {}{audit}: {}\n", reason.rule, reason.text));
        if reason.counts() && item.advice.is_none() {
            out.push_str(&format!("    what to do: {}\n", reason.help));
        }
    }
    if let Some(advice) = &item.advice {
        out.push_str(&format!("    what to do: {advice}\n"));
    }
    evidence::text(out, &item.findings, if all { usize::MAX } else { evidence::SCREEN });
    if let Some(known) = item.known.as_ref().filter(|known| known.served > 0) {
        let last = known.last_served.map_or_else(String::new, |at: Timestamp| format!(", last {at:.0}"));
        out.push_str(&format!(
            "  the ledger: served {} times here{last}; bulkhead ledger show --about {}\n",
            known.served, known.purl
        ));
    }
    out.push('\n');
}
