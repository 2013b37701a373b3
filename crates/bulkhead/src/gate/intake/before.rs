//! The release before: which one a file is compared with, and the comparison.
//!
//! It is the highest lower version of which a file of the same kind was read here, and that is fit to be a measure: one that
//! was itself refused for what it does would make the next poisoned release look like the last. Its profile is in its kept
//! report; when detectors have changed since, it is read again from our own blob. A release before that was never here is
//! not fetched for this: it would make the client wait for a second download, and the cooldown, advisories and the other
//! detectors judge without it. From the second version that passes here on, every release is compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_core::{Confidence, FindingContext, Problem, Severity, Sha256};
use bulkhead_detect::delta::{self, Delta};
use bulkhead_detect::{Profile, RULESET, Report};

use super::Intake;
use super::ecosystem::pypi::{FileKind, FileName, IndexFile, ProjectName, Version};
use super::gather::Gatherer;
use crate::store::{Judged, KeptDelta, Reading, ServedVersion, Store, StoreError};

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
    ) -> Result<Option<Delta>, Problem> {
        let Ok(own) = FileName::parse(&file.filename, project) else { return Ok(None) };
        let Some(version) = own.version().map(ToString::to_string) else { return Ok(None) };
        let (store, purl, served) = (Arc::clone(&self.store), project.purl(), gatherer.served().to_vec());
        let (own_project, own_name) = (project.clone(), file.filename.to_string());
        let found = crate::blocking::run(move || {
            let readings = store.readings(Some(&purl))?;
            before(&*store, &own_project, &own_name, readings, &served)
        });
        let Some(before) = found.await?.map_err(|error| error.to_problem())? else { return Ok(None) };
        if let Some(kept) = gatherer.kept_delta(&digest).filter(|kept| kept.before == before.digest) {
            return Ok(Some(kept.delta.clone()));
        }
        let (Some(old), Some(new)) =
            (self.profile(before.digest, &before.file).await?, self.profile(digest, &file.filename).await?)
        else {
            return Ok(None);
        };
        let store = Arc::clone(&self.store);
        let compared = crate::blocking::run(move || {
            let delta = delta::compare(&old, &new, &before.version, &version);
            let kept = KeptDelta { before: before.digest, delta };
            // One that cannot be kept is still true; the next listing just does not know it yet.
            if let Err(error) = store.put_delta(&digest, RULESET, &kept) {
                tracing::warn!(%digest, %error, "the delta could not be kept");
            }
            kept.delta
        });
        compared.await.map(Some)
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
        served.iter().any(|served| served.version == before.version) || is_fit(&judged, &deltas, &before.digest)
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

/// Whether a file was read under today's detectors, and nothing was seen in it for which it would have been refused.
fn is_fit(judged: &BTreeMap<Sha256, Judged>, deltas: &BTreeMap<Sha256, KeptDelta>, digest: &Sha256) -> bool {
    let unasked = [FindingContext::Install, FindingContext::Startup, FindingContext::Import];
    let Some(own) = judged.get(digest).map(|judged| judged.findings.as_slice()) else { return false };
    let new = deltas.get(digest).map(|kept| kept.delta.findings.as_slice()).unwrap_or_default();
    !own.iter().chain(new).any(|finding| {
        finding.severity >= Severity::High
            && finding.confidence == Confidence::High
            && unasked.contains(&finding.context)
    })
}
