//! What the worker saw in the content, and what is new in it.

use bulkhead_core::{Facts, Finding, FindingContext};
use bulkhead_detect::delta::Delta;
use bulkhead_detect::score;

/// Sets `content.*` and `delta.*` and the findings, of the content and of the comparison. Without a release before there is
/// nothing to compare, which is not an unknown: `delta.from` is null, and policy says what that means.
pub fn gather(facts: &mut Facts, readable: bool, findings: &[Finding], behaviours: &[String], delta: Option<&Delta>) {
    facts.set("content.readable", readable);
    facts.set("content.behaviours", behaviours.to_vec());
    facts.findings = findings.to_vec();
    if let Some(delta) = delta {
        facts.set("delta.from", delta.from.as_str());
        facts.set("delta.patch", delta.patch);
        facts.set("delta.new", delta.new.clone());
        facts.set("delta.score", i64::from(delta.score));
        facts.findings.extend(delta.findings.iter().cloned());
        facts.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    }
    facts.set("content.score", i64::from(score(&facts.findings)));
    let unasked: Vec<Finding> =
        facts.findings.iter().filter(|finding| finding.context != FindingContext::Call).cloned().collect();
    facts.set("content.unasked_score", i64::from(score(&unasked)));
}
