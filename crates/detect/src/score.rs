//! One number for everything that was seen: what thresholds in the policy are compared with.

use bulkhead_core::{Confidence, Finding, FindingContext, Severity};

/// The score of an archive, 0 to 100: 0 is nothing seen.
///
/// Each detector counts once, with the worst it says, so that a pattern that recurs a hundred times weighs as much as one.
/// Findings that have rules of their own (the archive's structure, start-up files) have no part in it: an exception to such a
/// rule must be enough. Severity and confidence give the weight, and code that runs unasked weighs double. The sum saturates: the more there is
/// already, the less one more adds.
pub fn score(findings: &[Finding]) -> u32 {
    let mut worst: std::collections::BTreeMap<&str, u32> = std::collections::BTreeMap::new();
    for finding in findings.iter().filter(|finding| !has_own_rule(&finding.detector)) {
        let weight = weight(finding);
        let slot = worst.entry(finding.detector.as_str()).or_default();
        *slot = (*slot).max(weight);
    }
    // 1 - (1-w1)(1-w2)..., in thousandths, so that it is the same on every machine.
    let left = worst.values().fold(1_000u32, |left, weight| left * (100 - (*weight).min(100)) / 100);
    (1_000 - left) / 10
}

/// Whether the shipped policy judges findings of this detector one by one, whatever else was seen.
fn has_own_rule(detector: &str) -> bool {
    detector.starts_with("archive-")
        || matches!(
            detector,
            "unreadable-archive"
                | "reading-unfinished"
                | "member-not-read"
                | "executable-pth"
                | "startup-entry-point"
                | "startup-module"
                | "record-mismatch"
                | "name-mismatch"
        )
}

fn weight(finding: &Finding) -> u32 {
    let severity = match finding.severity {
        Severity::Info => 0,
        Severity::Low => 4,
        Severity::Medium => 12,
        Severity::High => 30,
        Severity::Critical => 50,
    };
    let confidence = match finding.confidence {
        Confidence::Low => 50,
        Confidence::Medium => 80,
        Confidence::High => 100,
    };
    let context = match finding.context {
        FindingContext::Install | FindingContext::Startup | FindingContext::Import => 200,
        FindingContext::Load | FindingContext::Archive => 150,
        FindingContext::Call => 100,
    };
    severity * confidence * context / 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(detector: &str, severity: Severity, context: FindingContext) -> Finding {
        Finding {
            detector: detector.to_owned(),
            title: String::new(),
            severity,
            confidence: Confidence::High,
            context,
            location: None,
            excerpt: None,
        }
    }

    #[test]
    fn repeats_weigh_nothing_and_the_sum_saturates() {
        let one = finding("a", Severity::Medium, FindingContext::Call);
        assert_eq!(score(&[]), 0);
        assert_eq!(score(std::slice::from_ref(&one)), 12);
        assert_eq!(score(&[one.clone(), one.clone()]), 12);
        let many: Vec<Finding> =
            ["a", "b", "c", "d"].iter().map(|id| finding(id, Severity::Critical, FindingContext::Import)).collect();
        assert_eq!(score(&many), 100);
    }
}
