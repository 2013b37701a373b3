//! A release, file by file, as it would be judged now, with every rule and what would change the verdict.

use std::sync::Arc;

use bulkhead_core::policy::{self, Part};
use bulkhead_core::{Action, Code, Context, Principal, Problem, Purl};

use super::Intake;
use super::caller::Caller;
use super::ecosystem::pypi::{FileName, ProjectName, same_release};
use super::gather::{Gatherer, Seen};
use crate::control::{ExplainedFile, RuleLine};

impl Intake {
    /// Every file of the release. Content that was not read yet is not fetched for it; the facts say so.
    ///
    /// # Errors
    /// When the upstream does not list the release.
    pub async fn explain(self: &Arc<Self>, purl: &Purl) -> Result<Vec<ExplainedFile>, Problem> {
        let project =
            ProjectName::parse(purl.name()).map_err(|error| Problem::new(Code::BadRequest, error.to_string()))?;
        let page = self.pages.page(&project).await?;
        let basis = self.spine.basis();
        let gatherer = Gatherer::of_page(self, &page, &basis).await?;
        let (in_force, now) = (basis.in_force, self.clock.now());
        let caller = Caller { principal: Principal::local(), context: Context::default() };
        let wanted = |name: &str| match purl.version() {
            None => true,
            Some(version) => {
                FileName::parse(name, &project).is_ok_and(|name| same_release(name.version_text(), version))
            }
        };
        let mut files = Vec::new();
        for file in page.index.files.iter().filter(|file| wanted(&file.filename)) {
            let ask = gatherer.ask(&caller, Action::Fetch, file);
            let known = file.sha256().and_then(|digest| self.quarantine.known(&digest));
            let seen: Option<Seen<'_>> = known
                .as_ref()
                .map(|read| Seen { delta: gatherer.delta(file), ..read.seen() })
                .or_else(|| gatherer.seen(file));
            let facts = gatherer.facts(file, seen, now);
            let verdict = in_force.judge(&ask, &facts, gatherer.reviewed(), now);
            let explained = policy::explain(&in_force.policy, &ask, &facts, now, gatherer.reviewed().exceptions());
            let mut would_change: Vec<String> = verdict
                .reasons
                .iter()
                .filter(|reason| reason.counts() && !reason.effect.passes() && !reason.help.is_empty())
                .map(|reason| reason.help.clone())
                .collect();
            would_change.dedup();
            let changes = explained.next_change.filter(|change| change.effect.passes() && !verdict.effect.passes());
            files.push(ExplainedFile {
                file: file.filename.to_string(),
                digest: file.sha256().map(|digest| digest.to_hex()),
                effect: verdict.effect,
                reasons: verdict.reasons,
                facts,
                rules: explained
                    .rules
                    .into_iter()
                    .map(|rule| RuleLine {
                        matched: matches!(rule.part, Part::Matched | Part::Failed),
                        effect: rule.effect,
                        when: rule.condition,
                        rule: rule.rule,
                    })
                    .collect(),
                changes_at: changes.map(|change| change.at),
                would_change,
            });
        }
        if files.is_empty() {
            return Err(unlisted(purl, &project, &gatherer));
        }
        Ok(files)
    }
}

/// A release that the upstream does not list (any more) may still be one that an advisory names: say so.
fn unlisted(purl: &Purl, project: &ProjectName, gatherer: &Gatherer) -> Problem {
    let what = purl.version().map_or_else(|| "any file".to_owned(), |version| format!("a release {version}"));
    let mut detail = format!("the upstream does not list {what} of {project}");
    let named = purl.version().map(|version| gatherer.advisories_on(version)).unwrap_or_default();
    if !named.is_empty() {
        detail += &format!("; advisories on it: {}", named.join(", "));
    }
    Problem::new(Code::FileNotFound, detail)
        .with_help("who received it: bulkhead ledger show PURL; every file listed: bulkhead explain pkg:pypi/NAME")
}
