//! Judges archives one after another as the intake gate would judge their content, and prints a line of JSON for each: what
//! `cargo xtask eval` is made of.
//!
//!     judge --policy policy/default.toml --worker target/release/bulkhead [--without DETECTOR]... < paths
//!
//! They are taken in the order of their digests, each content once, and each says which earlier one its code is like: so a
//! selection of archives that differ is the same everywhere.
//! The archives are read by the product's own worker, contained as always. Every fact that is not about content (age, status,
//! advisories) is that of an old and unsuspicious release, so that only rules about content can refuse. `--without` gives a second
//! verdict, as if those detectors had said nothing. A line `BEFORE<tab>PATH` gives the release before as well: what is new in PATH then
//! counts, too.
#![expect(clippy::print_stdout, reason = "a command line tool prints")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use bulkhead::source::read;
use bulkhead::worker::{Pool, PoolOptions};
use bulkhead_core::policy::Policy;
use bulkhead_core::{Action, Ask, Ecosystem, Effect, Facts, Finding, Gate, Principal, Resource, Sha256, Verdict};
use bulkhead_detect::clones::Sketch;
use bulkhead_detect::delta::{Delta, compare};
use bulkhead_detect::{ArchiveKind, Report, metas};
use jiff::Timestamp;
use serde_json::json;

/// Archives whose code is as alike as this, in hundredths of common shingles, count as one.
const ALIKE: usize = 70;

fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let text = fs::read_to_string(&options.policy).with_context(|| options.policy.display().to_string())?;
    let policy = Policy::parse(&text, &options.policy.display().to_string())?;
    let judge = Judge { policy, now: Timestamp::UNIX_EPOCH };
    let nothing = Seen { readable: true, findings: &[], behaviours: &[] };
    let nothing = judge.verdict("demo-1.0-py3-none-any.whl", &nothing, None);
    if nothing.effect != Effect::Allow {
        bail!("the policy refuses an old release without any finding: {:?}", nothing.reasons);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&judge, &options))
}

async fn run(judge: &Judge, options: &Options) -> Result<()> {
    let exe = fs::canonicalize(&options.worker).with_context(|| options.worker.display().to_string())?;
    let pool = Pool::start(PoolOptions { exe, size: NonZeroUsize::MIN, ..PoolOptions::default() }).await?;
    let mut archives = BTreeMap::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (before, path) = match line.split_once('\t') {
            Some((before, path)) => (Some(before.to_owned()), path.to_owned()),
            None => (None, line),
        };
        let bytes = fs::read(&path).with_context(|| path.clone())?;
        archives.entry(Sha256::from_bytes(sha256(&bytes))).or_insert((before, path));
    }
    let mut distinct: Vec<(Sha256, Sketch)> = Vec::new();
    for (digest, (before, path)) in archives {
        let profile = match &before {
            Some(before) => Some(inspect(&pool, before).await?.profile),
            None => None,
        };
        let name = file_name(&path);
        let usage = Usage::of_workers();
        let began = Instant::now();
        let report = inspect(&pool, &path).await?;
        let wall = began.elapsed();
        let after = Usage::of_workers();
        let delta = profile.map(|profile| compare(&profile, &report.profile, "the release before", "this one"));
        let behaviours = report.profile.words();
        let seen = Seen { readable: report.readable, findings: &report.findings, behaviours: &behaviours };
        let verdict = judge.verdict(&name, &seen, delta.as_ref());
        let kept: Vec<Finding> =
            report.findings.iter().filter(|finding| !options.without.contains(&finding.detector)).cloned().collect();
        let without = judge.verdict(&name, &Seen { findings: &kept, ..seen }, delta.as_ref());
        let like =
            distinct.iter().find(|(_, sketch)| sketch.likeness(&report.sketch) >= ALIKE).map(|(digest, _)| *digest);
        if like.is_none() {
            distinct.push((digest, report.sketch.clone()));
        }
        let findings: Vec<&Finding> =
            report.findings.iter().chain(delta.iter().flat_map(|delta| &delta.findings)).collect();
        let line = json!({
            "path": path,
            "sha256": digest,
            "like": like,
            "effect": verdict.effect,
            "rules": rules(&verdict),
            "without": without.effect,
            "kind": report.kind,
            "readable": report.readable,
            "verdict_given": !died(&report),
            "score": bulkhead_detect::score(&report.findings),
            "findings": findings,
            "new": delta.as_ref().map(|delta| &delta.new),
            "members": report.member_count,
            "unpacked": report.unpacked_size,
            "sketch": report.sketch,
            "cpu_us": after.cpu_since(&usage),
            "wall_us": u64::try_from(wall.as_micros()).unwrap_or(u64::MAX),
            "rss_kb": after.peak_kb,
        });
        println!("{line}");
        io::stdout().flush()?;
    }
    Ok(())
}

async fn inspect(pool: &Pool, path: &str) -> Result<Report> {
    let file = File::open(path).with_context(|| path.to_owned())?;
    let name = file_name(path);
    Ok(pool.inspect_as(file, kind(&name), &name).await?)
}

fn file_name(path: &str) -> String {
    Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    digest
}

fn rules(verdict: &Verdict) -> Vec<&str> {
    verdict.reasons.iter().filter(|reason| reason.counts()).map(|reason| reason.rule.as_str()).collect()
}

/// Whether the worker died or hung over the archive: the gate then makes the report itself, with no member in it.
fn died(report: &Report) -> bool {
    !report.readable
        && report.kind != ArchiveKind::Other
        && report.member_count == 0
        && report.findings.iter().any(|finding| finding.title.contains("the worker "))
}

struct Judge {
    policy: Policy,
    now: Timestamp,
}

impl Judge {
    fn verdict(&self, file: &str, seen: &Seen<'_>, delta: Option<&Delta>) -> Verdict {
        let ask = Ask {
            gate: Gate::Intake,
            principal: Principal::local(),
            action: Action::Fetch,
            resource: Resource { file: Some(file.to_owned()), ..Resource::default() },
            context: bulkhead_core::Context::default(),
        };
        let mut facts = Facts::new();
        facts.set("file.kind", kind(file).as_str());
        facts.set("file.has_hash", true);
        facts.set("file.yanked", false);
        facts.set("file.age", 365 * 24 * 3600);
        facts.set("file.time", "upload");
        facts.set("project.status", "active");
        facts.set("project.reserved", false);
        facts.set("project.lookalike", lookalike(file));
        facts.set("floor.below", false);
        facts.set("content.judged", true);
        read::gather(&mut facts, seen.readable, seen.findings, seen.behaviours, delta);
        self.policy.decide(&ask, &facts, self.now, &[])
    }
}

/// What of a report policy is asked about.
struct Seen<'a> {
    readable: bool,
    findings: &'a [Finding],
    behaviours: &'a [String],
}

/// Under which rules the file is read: two registries have `.tgz` files, and source distributions are long `.tar.gz`.
fn kind(name: &str) -> ArchiveKind {
    if name.ends_with(".tgz") { ArchiveKind::Npm } else { ArchiveKind::of(name) }
}

/// What the project's name looks like, by the file's.
fn lookalike(file: &str) -> Option<&'static str> {
    let (name, _version) = file.split_once('-')?;
    let (name, ecosystem) = match kind(file) {
        ArchiveKind::Wheel | ArchiveKind::Egg => (name, Ecosystem::Pypi),
        ArchiveKind::SdistTarGz | ArchiveKind::SdistZip => {
            (file.rsplit_once('-').map_or(name, |(name, _)| name), Ecosystem::Pypi)
        }
        _ => return None,
    };
    bulkhead::source::lookalike::find(ecosystem, &ecosystem.normalise(name)?)
}

struct Options {
    policy: PathBuf,
    worker: PathBuf,
    without: Vec<String>,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let (mut policy, mut worker, mut without) = (None, None, Vec::new());
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("`{word}` needs a value"))?;
            match word.as_str() {
                "--policy" => policy = Some(value.into()),
                "--worker" => worker = Some(value.into()),
                "--without" if metas().any(|meta| meta.id == value) => without.push(value),
                "--without" => bail!("there is no detector `{value}`"),
                _ => bail!("`{word}` is not an option: --policy, --worker, --without"),
            }
        }
        Ok(Self {
            policy: policy.context("--policy FILE is missing")?,
            worker: worker.context("--worker FILE is missing: the bulkhead program")?,
            without,
        })
    }
}

/// What the worker used, as the kernel counts it. A pool of one has one worker, which has one thread; a worker that just ended
/// is not counted any more.
#[derive(Debug, Clone, Default)]
struct Usage {
    pid: String,
    cpu_ns: u64,
    peak_kb: u64,
}

impl Usage {
    /// Reads the usage of this process' own child, and then starts the count of its peak anew.
    fn of_workers() -> Self {
        let own = std::process::id().to_string();
        let children = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
            let pid = entry.file_name().into_string().ok()?;
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
            (field("PPid:")? == own).then_some(())?;
            let schedule = fs::read_to_string(entry.path().join("schedstat")).ok()?;
            let usage = Self {
                cpu_ns: schedule.split_whitespace().next()?.parse().ok()?,
                peak_kb: field("VmHWM:")?.parse().ok()?,
                pid,
            };
            // Only root may: for others the figure is the peak since the worker began, which is no less.
            let _ = fs::write(entry.path().join("clear_refs"), "5");
            Some(usage)
        });
        children.max_by_key(|usage| usage.cpu_ns).unwrap_or_default()
    }

    /// Microseconds since then; all of it when the worker is another one; nothing where it is not known.
    fn cpu_since(&self, before: &Self) -> Option<u64> {
        let since = if self.pid == before.pid { before.cpu_ns } else { 0 };
        (!self.pid.is_empty()).then(|| self.cpu_ns.saturating_sub(since) / 1_000)
    }
}
