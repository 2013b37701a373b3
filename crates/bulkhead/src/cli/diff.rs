//! `bulkhead diff A B`: what the second release can do that the first could not.

use std::path::Path;

use bulkhead_core::{Effect, Purl, Reason};
use bulkhead_detect::delta::{Delta, compare};
use bulkhead_detect::{ArchiveKind, FileName, Profile};
use serde::Serialize;

use super::call::call;
use super::output::Output;
use super::{Done, Failure, Place, evidence, paint, scan};
use crate::clock::Clock;
use crate::control::{ReleaseProfile, Request};
use crate::scan::judge;
use crate::worker::{Pool, PoolOptions};

/// Show what the second release can do that the first could not
///
/// Exit code 1 where the policy would refuse the second for what is new.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The release before: a file, or pkg:pypi/NAME@VERSION
    before: String,

    /// The release after: a file, or pkg:pypi/NAME@VERSION
    after: String,

    /// Show every finding
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Serialize)]
struct Compared {
    before: String,
    after: String,
    effect: Effect,
    reasons: Vec<Reason>,
    delta: Delta,
}

/// One side.
struct Side {
    name: String,
    version: String,
    purl: Option<String>,
    profile: Profile,
}

pub(super) fn run(place: &Place, args: &Args, output: &Output) -> Result<Done, Failure> {
    let (before, after) = (side(place, &args.before)?, side(place, &args.after)?);
    let delta = compare(&before.profile, &after.profile, &before.version, &after.version);
    let (policy, _) = scan::policy(place)?;
    let (effect, reasons) = judge::delta(&policy, Clock.now(), &delta, &after.name, after.purl.as_deref());
    let compared = Compared { before: before.name, after: after.name, effect, reasons, delta };
    output.facts(&compared, |compared| text(compared, args.all))?;
    Ok(if effect.passes() { Done::Good } else { Done::Refused })
}

fn side(place: &Place, what: &str) -> Result<Side, Failure> {
    if what.starts_with("pkg:") {
        let purl: Purl = what.parse().map_err(|error: bulkhead_core::PurlError| Failure::Usage(error.to_string()))?;
        let ReleaseProfile { file, version, profile } =
            call(place, Request::ReleaseProfile { subject: what.to_owned() })?;
        return Ok(Side { name: file, version, purl: Some(purl.to_string()), profile });
    }
    let path = Path::new(what);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let kind = ArchiveKind::of_local(&name);
    if kind == ArchiveKind::Other {
        return Err(Failure::Usage(format!(
            "{what} is no archive of a package\n  help: give two files, or two releases as purls"
        )));
    }
    let file = std::fs::File::open(path).map_err(|error| Failure::Usage(format!("{what}: {error}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::new)?;
    let report = runtime.block_on(async {
        let options = PoolOptions { size: std::num::NonZeroUsize::MIN, ..PoolOptions::default() };
        Pool::start(options).await?.inspect_as(file, kind, &name).await
    })?;
    if !report.readable {
        let why = report.findings.first().map_or_else(String::new, |finding| finding.title.clone());
        return Err(Failure::Other(anyhow::anyhow!("{what} could not be read as a whole: {why}")));
    }
    let version = FileName::of(&name, kind).map_or_else(String::new, |name| name.version);
    Ok(Side { name, version, purl: None, profile: report.profile })
}

fn text(compared: &Compared, all: bool) -> String {
    let delta = &compared.delta;
    let mut out = String::new();
    let patch = if delta.patch { " (a patch release by its version)" } else { "" };
    out.push_str(&format!("{} against {}{patch}\n", paint::strong(&compared.after), compared.before));
    let files = &delta.files;
    out.push_str(&format!(
        "  files of code: {} new, {} changed, {} the same, {} gone\n",
        files.new, files.changed, files.same, files.gone
    ));
    if delta.new.is_empty() {
        out.push_str("  nothing new in behaviours, hosts, hooks, dependencies and opaque files\n");
    } else {
        out.push_str("  new\n");
        let shown = if all { delta.new.len() } else { 20 };
        for word in delta.new.iter().take(shown) {
            out.push_str(&format!("    {word}\n"));
        }
        if delta.new.len() > shown {
            out.push_str(&format!("    and {} more; `--all` shows them\n", delta.new.len() - shown));
        }
    }
    evidence::text(&mut out, &delta.findings, if all { usize::MAX } else { 2 * evidence::SCREEN });
    for reason in compared.reasons.iter().filter(|reason| reason.counts() && !reason.effect.passes()) {
        out.push_str(&format!("  rule {}: {}\n    what to do: {}\n", reason.rule, reason.text, reason.help));
    }
    let word = if compared.effect.passes() {
        paint::good("not refused for what is new")
    } else {
        paint::bad("refused for what is new")
    };
    out.push_str(&format!("{word}; score of what is new: {}\n", delta.score));
    out
}
