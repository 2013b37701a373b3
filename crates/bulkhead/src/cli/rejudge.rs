//! `bulkhead rejudge`: what was let in, under today's detectors and rules.

use super::call::call;
use super::evidence;
use super::output::Output;
use super::{Done, Failure, Place};
use crate::control::{Failing, Rejudged, Request};

/// Judge every file that is kept once more, under today's detectors and rules, without a download; say who has what now fails
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(super) fn run(place: &Place, _args: &Args, output: &Output) -> Result<Done, Failure> {
    let rejudged: Rejudged = call(place, Request::Rejudge)?;
    output.facts(&rejudged, text)?;
    Ok(if rejudged.failing.is_empty() { Done::Good } else { Done::Refused })
}

fn text(rejudged: &Rejudged) -> String {
    let mut out = String::new();
    rejudged.failing.iter().for_each(|failing| one(&mut out, failing));
    for gone in &rejudged.gone {
        out.push_str(&format!("not judged, because the file is no longer here: {gone}\n"));
    }
    if rejudged.outside > 0 {
        out.push_str(&format!(
            "{} files are kept and were never received by anybody; they are judged when they are asked for\n",
            rejudged.outside
        ));
    }
    let verb = if rejudged.failing.is_empty() { "nothing fails" } else { "fail now" };
    let failing = if rejudged.failing.is_empty() { String::new() } else { format!("{} ", rejudged.failing.len()) };
    out.push_str(&format!(
        "{} files judged with detectors {} ({} read again), policy {}: {failing}{verb} (entry {})",
        rejudged.judged,
        rejudged.ruleset,
        rejudged.read,
        &rejudged.policy[..rejudged.policy.len().min(16)],
        rejudged.entry
    ));
    out
}

fn one(out: &mut String, failing: &Failing) {
    out.push_str(&format!("{}  {} ({})  verdict v{}\n", failing.file, failing.effect, failing.purl, failing.entry));
    for reason in failing.reasons.iter().filter(|reason| reason.counts() && !reason.effect.passes()) {
        out.push_str(&format!("  rule {}: {}\n  help: {}\n", reason.rule, reason.text, reason.help));
    }
    evidence::text(out, &failing.findings, 2);
    for holder in &failing.has {
        let from = holder.address.as_deref().map_or_else(String::new, |address| format!(" at {address}"));
        let run = holder.run.as_deref().map_or_else(String::new, |run| format!(" in run {run}"));
        out.push_str(&format!(
            "  received by {}{from}{run}: {} times, last {:.0} ({})\n",
            holder.principal, holder.times, holder.last, holder.verdict
        ));
    }
    out.push('\n');
}
