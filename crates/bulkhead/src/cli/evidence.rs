//! Findings as a person reads them who was stopped by one: where, what, when it runs, and why it matters.

use bulkhead_core::{Finding, FindingContext};

/// How many findings fit a screen with the rest of an explanation.
pub(super) const SCREEN: usize = 4;
/// Characters of a reason.
const WHY: usize = 300;

/// The findings, worst first, and how many more there are.
pub(super) fn text(out: &mut String, findings: &[Finding], most: usize) {
    if findings.is_empty() {
        return;
    }
    out.push_str("  evidence\n");
    for finding in findings.iter().take(most) {
        one(out, finding);
    }
    if findings.len() > most {
        out.push_str(&format!("    and {} more; `--all` shows them\n", findings.len() - most));
    }
}

fn one(out: &mut String, finding: &Finding) {
    let place = place(finding).unwrap_or_else(|| "the archive".to_owned());
    out.push_str(&format!("    {place}: {}\n", finding.title));
    if let Some(excerpt) = finding.excerpt.as_deref().filter(|excerpt| !excerpt.is_empty()) {
        out.push_str(&format!("      | {excerpt}\n"));
    }
    let (severity, confidence) = (finding.severity.as_str(), finding.confidence.as_str());
    let when = when(finding.context);
    out.push_str(&format!("      {severity}, confidence {confidence}; {when}; detector {}\n", finding.detector));
    if let Some(why) = why(&finding.detector) {
        out.push_str(&format!("      why it matters: {why}\n"));
    }
}

/// `path:line`, `path`, or nothing.
pub(super) fn place(finding: &Finding) -> Option<String> {
    let location = finding.location.as_ref()?;
    Some(location.line.map_or_else(|| location.path.clone(), |line| format!("{}:{line}", location.path)))
}

/// When the code would run, in words.
pub(super) fn when(context: FindingContext) -> &'static str {
    match context {
        FindingContext::Archive => "about the archive",
        FindingContext::Install => "runs at install",
        FindingContext::Startup => "runs at every interpreter start",
        FindingContext::Import => "runs at import",
        FindingContext::Call => "runs when called",
        FindingContext::Load => "runs when loaded",
    }
}

/// The first sentences of the manual's entry.
pub(super) fn why(detector: &str) -> Option<String> {
    let meta = bulkhead_detect::metas().find(|meta| meta.id == detector)?;
    let paragraph = meta.doc.split("\n\n").next().unwrap_or_default();
    let words = paragraph.split_whitespace().collect::<Vec<_>>().join(" ").replace("**", "").replace('`', "");
    let mut end = 0;
    for (at, _) in words.match_indices(". ") {
        if at + 1 > WHY {
            break;
        }
        end = at + 1;
    }
    let whole = words.chars().count() <= WHY;
    Some(match (whole, end) {
        (true, _) => words,
        (false, 0) => format!("{}...", words.chars().take(WHY).collect::<String>()),
        (false, end) => words[..end].to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_says_why_it_matters_in_a_few_words() {
        for meta in bulkhead_detect::metas() {
            let why = why(meta.id).expect("a known detector");
            assert!(why.len() > 40 && why.chars().count() <= WHY + 3, "{}: {why}", meta.id);
            assert!(!why.contains('\n') && !why.contains("```"), "{}: {why}", meta.id);
        }
        assert_eq!(why("none"), None);
    }
}
