//! `explain`: why a release, a file or a verdict is judged as it is.

use std::sync::Arc;

use bulkhead_core::{Code, Effect, EntryIndex, Problem, Purl, PurlError, Sha256, VerdictId};

use super::act::stored;
use super::reply::{ExplainedFile, Explanation};
use crate::app::App;
use bulkhead_ledger::Entry;

pub(super) async fn explain(app: &Arc<App>, subject: &str) -> Result<Explanation, Problem> {
    if let Ok(id) = subject.parse::<VerdictId>() {
        return verdict(app, id).await;
    }
    if let Ok(digest) = subject.trim_start_matches("sha256:").parse::<Sha256>() {
        app.projected().await?;
        let newest = stored(app.store().entries_with_digest(&digest, 1))?.into_iter().next();
        let (index, entry) = newest.ok_or_else(|| {
            Problem::new(Code::FileNotFound, format!("no entry is about a file with SHA-256 {digest}"))
                .with_help("nobody has asked for that file through this Bulkhead")
        })?;
        return Ok(recorded(index, &entry));
    }
    let purl: Purl = subject.parse().map_err(|error: PurlError| {
        Problem::new(Code::BadRequest, error.to_string())
            .with_help("name a release (pkg:pypi/NAME@VERSION), a verdict (v12) or a SHA-256")
    })?;
    release(app, &purl).await
}

/// The release as it would be judged now.
async fn release(app: &Arc<App>, purl: &Purl) -> Result<Explanation, Problem> {
    let mut files = app.intake()?.explain(purl).await?;
    // What is refused first, then the newest: the page's order begins with releases that nobody asks about.
    files.reverse();
    files.sort_by_key(|file| std::cmp::Reverse(file.effect));
    let mildest = files.iter().map(|file| file.effect).min().unwrap_or(Effect::Deny);
    let example = files.iter().find(|file| file.effect == mildest);
    let deciding =
        example.and_then(|file| file.reasons.iter().find(|reason| reason.counts() && reason.effect == mildest));
    let passes = mildest.passes();
    let count = files.iter().filter(|file| file.effect.passes()).count();
    let detail = match deciding {
        Some(reason) if !passes => reason.text.clone(),
        _ => format!("{count} of {} files can be had", files.len()),
    };
    Ok(Explanation {
        subject: purl.to_string(),
        policy: app.spine().in_force().digest.to_hex(),
        effect: mildest,
        code: (!passes).then(|| format!("intake-{}", deciding.map_or("default", |reason| &reason.rule))),
        title: format!(
            "{purl} {}",
            if passes {
                "is allowed"
            } else if mildest == Effect::Hold {
                "is held"
            } else {
                "is refused"
            }
        ),
        detail,
        help: deciding.filter(|_| !passes).map_or_else(String::new, |reason| reason.help.clone()),
        verdict: None,
        files,
    })
}

/// The verdict as it was recorded, then what it would be now.
async fn verdict(app: &Arc<App>, id: VerdictId) -> Result<Explanation, Problem> {
    app.projected().await?;
    let (index, entry) = stored(app.store().entry(id.0))?.ok_or_else(|| {
        Problem::new(Code::NotFound, format!("the ledger has no entry {}", id.0)).with_help("bulkhead ledger show")
    })?;
    let mut explanation = recorded(index, &entry);
    // What would change it can be said only about a file that the upstream still lists.
    if let (Some(purl), Ok(intake)) = (&entry.resource.purl, app.intake())
        && purl.version().is_some()
        && let Ok(files) = intake.explain(purl).await
    {
        explanation.files = files
            .into_iter()
            .filter(|file| entry.resource.file.as_deref().is_none_or(|name| name == file.file))
            .collect();
    }
    Ok(explanation)
}

fn recorded(index: EntryIndex, entry: &Entry) -> Explanation {
    let deciding = entry.reasons.iter().find(|reason| reason.counts() && reason.effect == entry.effect);
    let what = entry.resource.file.clone().or_else(|| entry.resource.purl.as_ref().map(ToString::to_string));
    let what = what.unwrap_or_else(|| entry.action.to_string());
    let refused = !entry.effect.passes();
    Explanation {
        subject: VerdictId(index).to_string(),
        policy: entry.policy.to_hex(),
        effect: entry.effect,
        code: refused.then(|| format!("{}-{}", entry.gate, deciding.map_or("default", |reason| &reason.rule))),
        title: format!("{what}: {} for {} at {}", entry.effect, entry.principal, entry.time),
        detail: deciding.map_or_else(String::new, |reason| reason.text.clone()),
        help: deciding.map_or_else(String::new, |reason| reason.help.clone()),
        verdict: Some(VerdictId(index).to_string()),
        files: Vec::<ExplainedFile>::new(),
    }
}
