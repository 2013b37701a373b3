//! Findings on their way into the report.

use std::collections::BTreeMap;

use bulkhead_core::{Confidence, Finding, FindingContext, Location, Severity};

use crate::detector::Meta;
use crate::structure::Flaw;
use crate::text;

/// Findings kept of each id and severity; the rest are counted. A hostile archive can have a million of them.
const KEPT: usize = 20;
/// Characters of an excerpt or a title, see [`Finding`].
const EXCERPT: usize = 200;

/// Gathers findings, bounded in number and in the length of what they quote.
#[derive(Debug, Default)]
pub struct Findings {
    found: Vec<Finding>,
    counts: BTreeMap<(String, Severity), usize>,
}

impl Findings {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a finding of that detector with its usual severity and confidence; [`Draft::add`] ends it.
    pub fn report(&mut self, meta: &'static Meta, title: impl Into<String>) -> Draft<'_> {
        Draft {
            finding: Finding {
                detector: meta.id.to_owned(),
                title: text::excerpt(title.into().as_bytes(), 2 * EXCERPT),
                severity: meta.severity,
                confidence: meta.confidence,
                context: FindingContext::Archive,
                location: None,
                excerpt: None,
            },
            into: self,
        }
    }

    /// A structural flaw, at a member or of the archive as a whole.
    pub(crate) fn flaw(&mut self, flaw: Flaw, path: Option<&str>, title: impl Into<String>) {
        let draft = self.report(flaw.meta(), title);
        match path {
            Some(path) => draft.at(path),
            None => draft,
        }
        .add();
    }

    /// The findings, worst first, equal ones in the order in which they were seen.
    pub fn finish(mut self) -> Vec<Finding> {
        for ((detector, severity), count) in &self.counts {
            if *count > KEPT {
                let last = self.found.iter_mut().rfind(|f| f.detector == *detector && f.severity == *severity);
                if let Some(last) = last {
                    last.title = format!("{} (and {} more of this kind)", last.title, count - KEPT);
                }
            }
        }
        self.found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        self.found
    }
}

/// One finding under construction.
#[derive(Debug)]
#[must_use = "a finding counts only once it is added"]
pub struct Draft<'a> {
    finding: Finding,
    into: &'a mut Findings,
}

impl Draft<'_> {
    /// In this member.
    pub fn at(mut self, path: &str) -> Self {
        self.finding.location = Some(Location { path: text::excerpt(path.as_bytes(), 4 * EXCERPT), line: None });
        self
    }

    /// On this line of the member, from 1.
    pub fn line(mut self, line: u32) -> Self {
        if let Some(location) = &mut self.finding.location {
            location.line = Some(line);
        }
        self
    }

    /// With these words from the member.
    pub fn excerpt(mut self, bytes: &[u8]) -> Self {
        self.finding.excerpt = Some(text::excerpt(bytes, EXCERPT));
        self
    }

    /// When the code would run.
    pub fn context(mut self, context: FindingContext) -> Self {
        self.finding.context = context;
        self
    }

    /// Less, or more, than usual.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.finding.severity = severity;
        self
    }

    /// Less sure than usual.
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.finding.confidence = confidence;
        self
    }

    /// Puts it among the others.
    pub fn add(self) {
        let count = self.into.counts.entry((self.finding.detector.clone(), self.finding.severity)).or_default();
        *count += 1;
        if *count <= KEPT {
            self.into.found.push(self.finding);
        }
    }
}
