//! The policy over what a scan knows: content, advisories, names. What only a registry knows (age, hashes, status) is not there,
//! and rules about that are left out, visibly, rather than guessed at.

use bulkhead_core::policy::{Policy, Rule};
use bulkhead_core::{Action, Ask, Context, Effect, Facts, Finding, Gate, Principal, Purl, Reason, Resource, Severity};
use bulkhead_detect::delta::Delta;
use bulkhead_detect::{Report, score};
use jiff::Timestamp;

use super::{Item, Parcel};
use crate::control::Looked;
use crate::source::{lookalike, read, reserved};

/// What a rule must name to be about something that a scan knows.
const KNOWN: &[&str] = &["findings", "content.", "delta.", "advisory.", "package."];
/// What a scan cannot know: a rule that names it is left out, unless it asks for findings as well.
const UNKNOWN: &[&str] =
    &["file.age", "file.time", "file.has_hash", "file.uploaded", "floor.", "project.status", "unknown."];

/// Judges one parcel that was read.
pub fn parcel(policy: &Policy, now: Timestamp, parcel: Parcel, report: Report, known: Option<Looked>) -> Item {
    let mut findings = parcel.findings;
    // What detectors say about metadata that was made here is of no interest.
    let own = |finding: &Finding| !parcel.made || !matches!(finding.detector.as_str(), "name-mismatch");
    findings.extend(report.findings.into_iter().filter(own));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let behaviours = report.profile.words();
    let mut facts = Facts::new();
    facts.set("file.kind", report.kind.as_str());
    facts.set("content.judged", true);
    read::gather(&mut facts, report.readable, &findings, &behaviours, None);
    let (effect, reasons) = decide(policy, now, facts, parcel.purl.as_deref(), &parcel.name, known.as_ref());
    let refused = !effect.passes();
    Item {
        name: parcel.name,
        purl: parcel.purl,
        effect,
        reasons,
        score: score(&findings),
        findings,
        behaviours,
        known,
        advice: parcel.advice.filter(|_| refused),
    }
}

/// Judges what could not be read: unknown is no pass, the policy says what it is (rule `unreadable` as shipped).
pub fn unread(policy: &Policy, now: Timestamp, name: String, why: &str) -> Item {
    let mut facts = Facts::new();
    facts.set("content.judged", true);
    read::gather(&mut facts, false, &[], &[], None);
    let (effect, reasons) = decide(policy, now, facts, None, &name, None);
    Item {
        name,
        purl: None,
        effect,
        reasons,
        findings: Vec::new(),
        score: 0,
        behaviours: Vec::new(),
        known: None,
        advice: Some(format!("it was not looked at: {why}")),
    }
}

/// Judges one release by name alone.
pub fn release(policy: &Policy, now: Timestamp, known: Looked) -> Item {
    let (effect, reasons) = decide(policy, now, Facts::new(), Some(&known.purl), &known.purl, Some(&known));
    Item {
        name: known.purl.clone(),
        purl: Some(known.purl.clone()),
        effect,
        reasons,
        findings: Vec::new(),
        score: 0,
        behaviours: Vec::new(),
        known: Some(known),
        advice: None,
    }
}

/// The verdict over a delta alone: what `diff` exits by.
pub fn delta(policy: &Policy, now: Timestamp, delta: &Delta, name: &str, purl: Option<&str>) -> (Effect, Vec<Reason>) {
    let mut facts = Facts::new();
    read::gather(&mut facts, true, &[], &[], Some(delta));
    decide(policy, now, facts, purl, name, None)
}

fn decide(
    policy: &Policy,
    now: Timestamp,
    mut facts: Facts,
    purl: Option<&str>,
    name: &str,
    known: Option<&Looked>,
) -> (Effect, Vec<Reason>) {
    let purl: Option<Purl> = purl.and_then(|purl| purl.parse().ok());
    if let Some(purl) = &purl {
        reserved::gather(&mut facts, purl, policy.settings());
        facts.set("project.lookalike", lookalike::find(purl.ecosystem(), purl.name()));
    }
    if let Some(known) = known {
        facts.set("advisory.malicious", known.malicious.clone());
        facts.set("advisory.vulnerable", known.vulnerable.clone());
        facts.set("advisory.summary", known.summary.clone());
    }
    let ask = Ask {
        gate: Gate::Intake,
        principal: Principal::local(),
        action: Action::Fetch,
        resource: Resource { purl, file: Some(name.to_owned()), ..Resource::default() },
        context: Context::default(),
    };
    let verdict = policy.decide(&ask, &facts, now, &[]);
    let mut reasons: Vec<Reason> =
        verdict.reasons.into_iter().filter(|reason| policy.rule(&reason.rule).is_some_and(is_known)).collect();
    if let Some(refused) = known.and_then(|known| known.refused.as_ref()) {
        // The gate has refused this release, whatever the policy says without its facts.
        reasons.push(Reason {
            rule: "refused-before".to_owned(),
            effect: refused.effect,
            text: format!("the intake gate refused it ({}): {}", refused.verdict, refused.reason),
            help: format!("bulkhead explain {}", refused.verdict),
            audit: false,
            excepted_by: None,
        });
    }
    let effect = reasons.iter().filter(|reason| reason.counts()).map(|reason| reason.effect).max();
    (effect.unwrap_or(Effect::Allow), reasons)
}

/// Whether a rule is about what a scan knows.
fn is_known(rule: &Rule) -> bool {
    let names = |words: &[&str]| words.iter().any(|word| rule.condition().contains(word));
    names(&["findings"]) || (names(KNOWN) || names(&["project.reserved"])) && !names(UNKNOWN)
}

/// The worst findings of an item that are worth a person's look.
pub fn worst(item: &Item) -> impl Iterator<Item = &Finding> {
    item.findings.iter().filter(|finding| finding.severity >= Severity::Medium)
}
