//! The release before: which one a file is compared with, and the comparison.
//!
//! It is the highest lower version of which a file of the same kind was read here, and that is fit to be a measure: one that
//! was itself refused for what it does would make the next poisoned release look like the last. Its profile is in its kept
//! report; when detectors have changed since, it is read again from our own blob. A release before that was never here is
//! not fetched for this: it would make the client wait for a second download, and the cooldown, advisories and the other
//! detectors judge without it. From the second version that passes here on, every release is compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_core::{Code, Confidence, Finding, FindingContext, Problem, Severity, Sha256};
use bulkhead_detect::delta;
use bulkhead_detect::{Profile, RULESET, Report, score};

use super::Intake;
use super::ecosystem::pypi::{FileKind, FileName, IndexFile, ProjectName, Version};
use super::gather::Gatherer;
use crate::source::dependency;
use crate::store::{Born, Judged, KeptDelta, Reading, ServedVersion, Store, StoreError};

/// A file that another is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Before {
    file: String,
    version: String,
    digest: Sha256,
}

impl Intake {
    /// What is new in a file that was read, against the release before; nothing when there is none here.
    pub(super) async fn delta(
        &self,
        gatherer: &Gatherer,
        project: &ProjectName,
        file: &IndexFile,
        digest: Sha256,
    ) -> Result<Option<KeptDelta>, Problem> {
        let Ok(own) = FileName::parse(&file.filename, project) else { return Ok(None) };
        let Some(version) = own.version().map(ToString::to_string) else { return Ok(None) };
        let (store, purl, served) = (Arc::clone(&self.store), project.purl(), gatherer.served().to_vec());
        let (own_project, own_name) = (project.clone(), file.filename.to_string());
        let score_hold = gatherer.settings().score_hold;
        let found = crate::blocking::run(move || {
            let readings = store.readings(Some(&purl))?;
            before(&*store, &own_project, &own_name, readings, &served, score_hold)
        });
        let Some(before) = found.await?.map_err(|error| error.to_problem())? else { return Ok(None) };
        if let Some(kept) = gatherer.kept_delta(&digest).filter(|kept| kept.before == before.digest) {
            let mut kept = kept.clone();
            if self.ask_ages(&mut kept).await {
                self.keep_delta(digest, &kept).await?;
            }
            return Ok(Some(kept));
        }
        let (Some(old), Some(new)) =
            (self.profile(before.digest, &before.file).await?, self.profile(digest, &file.filename).await?)
        else {
            return Ok(None);
        };
        let from = before.version;
        let delta = crate::blocking::run(move || delta::compare(&old, &new, &from, &version)).await?;
        let mut kept = KeptDelta { before: before.digest, delta, born: BTreeMap::new() };
        self.ask_ages(&mut kept).await;
        self.keep_delta(digest, &kept).await?;
        Ok(Some(kept))
    }

    /// Asks the upstream when the new dependencies came to be, as far as that matters and is not known. True when it learned
    /// something. The client will ask for their pages next, so this is no page more.
    async fn ask_ages(&self, kept: &mut KeptDelta) -> bool {
        let is_open = |name: &String| !matches!(kept.born.get(name), Some(Born::At(_) | Born::Untold));
        let open: Vec<String> =
            dependency::asked(&kept.delta).map(|found| found.name.clone()).filter(is_open).collect();
        for name in &open {
            let born = match ProjectName::parse(name) {
                Ok(project) => self.born(&project).await,
                Err(_) => Born::Untold,
            };
            kept.born.insert(name.clone(), born);
        }
        !open.is_empty()
    }

    async fn born(&self, project: &ProjectName) -> Born {
        match self.pages.page(project).await {
            // The first file that is still there: what was deleted made the project look older, not younger.
            Ok(page) => {
                page.index.files.iter().filter_map(|file| file.upload_time.at()).min().map_or(Born::Untold, Born::At)
            }
            Err(problem) if problem.code == Code::ProjectNotFound => Born::Untold,
            Err(problem) => Born::Unasked(problem.detail),
        }
    }

    /// One that cannot be kept is still true; the next listing just does not know it yet.
    async fn keep_delta(&self, digest: Sha256, kept: &KeptDelta) -> Result<(), Problem> {
        let (store, kept) = (Arc::clone(&self.store), kept.clone());
        let put = crate::blocking::run(move || store.put_delta(&digest, RULESET, &kept)).await?;
        if let Err(error) = put {
            tracing::warn!(%digest, %error, "the delta could not be kept");
        }
        Ok(())
    }

    /// The profile of a file that is here: from its report under today's detectors, else read anew.
    pub(super) async fn profile(&self, digest: Sha256, file_name: &str) -> Result<Option<Profile>, Problem> {
        let store = Arc::clone(&self.store);
        let kept = crate::blocking::run(move || {
            let kept = store.report(&digest, RULESET)?;
            Ok::<_, StoreError>(kept.and_then(|kept| serde_json::from_str::<Report>(&kept.json).ok()))
        });
        if let Some(report) = kept.await?.map_err(|error| error.to_problem())? {
            return Ok(Some(report.profile));
        }
        Ok(self.quarantine.read_again(digest, file_name).await?.map(|report| report.profile))
    }
}

/// The reading to compare with.
fn before(
    store: &dyn Store,
    project: &ProjectName,
    file_name: &str,
    readings: Vec<Reading>,
    served: &[ServedVersion],
    score_hold: i64,
) -> Result<Option<Before>, StoreError> {
    let Ok(own) = FileName::parse(file_name, project) else { return Ok(None) };
    let Some(version) = own.version() else { return Ok(None) };
    let mut lower: Vec<(Version, usize, Before)> = readings
        .into_iter()
        .filter_map(|reading| {
            let name = FileName::parse(&reading.file, project).ok()?;
            let lower = name.version().filter(|lower| *lower < version)?.clone();
            let alike = alike(file_name, &reading.file);
            let before = Before { version: lower.to_string(), file: reading.file, digest: reading.digest };
            same_kind(name.kind(), own.kind()).then_some((lower, alike, before))
        })
        .collect();
    if lower.is_empty() {
        return Ok(None);
    }
    // Highest first, and of one version the file whose tags are most like ours.
    lower.sort_by(|a, b| (&b.0, b.1, &a.2.file).cmp(&(&a.0, a.1, &b.2.file)));
    let digests: Vec<Sha256> = lower.iter().map(|(_, _, before)| before.digest).collect();
    let judged = store.reports_for(&digests, RULESET)?;
    let deltas = store.deltas_for(&digests, RULESET)?;
    let fit = |before: &Before| {
        served.iter().any(|served| served.version == before.version)
            || is_fit(&judged, &deltas, &before.digest, score_hold)
    };
    Ok(lower.into_iter().map(|(_, _, before)| before).find(fit))
}

fn same_kind(left: FileKind, right: FileKind) -> bool {
    left.as_str() == right.as_str()
}

/// How many characters at their ends two file names share: the tags of a wheel.
fn alike(left: &str, right: &str) -> usize {
    left.bytes().rev().zip(right.bytes().rev()).take_while(|(left, right)| left == right).count()
}

/// Whether a file was read under today's detectors, and nothing was seen in it for which it would have been refused. It may well
/// have been refused as the first of its project, so what it does only when called counts here as it did there.
fn is_fit(
    judged: &BTreeMap<Sha256, Judged>,
    deltas: &BTreeMap<Sha256, KeptDelta>,
    digest: &Sha256,
    score_hold: i64,
) -> bool {
    let unasked = [FindingContext::Install, FindingContext::Startup, FindingContext::Import];
    let Some(own) = judged.get(digest).map(|judged| judged.findings.as_slice()) else { return false };
    let new = deltas.get(digest).map(|kept| kept.delta.findings.as_slice()).unwrap_or_default();
    let all = [own, new].concat();
    let refused = |finding: &Finding| {
        finding.confidence == Confidence::High
            && (finding.severity >= Severity::Critical
                || finding.severity >= Severity::High && unasked.contains(&finding.context))
    };
    !all.iter().any(refused) && i64::from(score(&all)) < score_hold
}
