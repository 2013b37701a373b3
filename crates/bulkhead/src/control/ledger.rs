//! Requests about the ledger itself.

use std::sync::Arc;

use bulkhead_core::{Action, Code, Problem, Resource};
use bulkhead_ledger::{Checkpoint, Trust, sha256};
use jiff::Timestamp;

use super::act::control;
use super::reply::{WitnessRow, WitnessRows};
use crate::app::App;
use crate::ledger::witness;

/// Adds a witness. The entry comes before the effect.
pub(super) async fn witness_add(
    app: &Arc<App>,
    name: String,
    key: String,
    url: String,
    quorum: Option<String>,
) -> Result<WitnessRows, Problem> {
    let wrong = |why: String| {
        Problem::new(Code::BadRequest, why).with_help("ask the witness's operator for its verifier key and its address")
    };
    let parsed: bulkhead_ledger::WitnessKey =
        key.parse().map_err(|error: bulkhead_ledger::KeyError| wrong(error.to_string()))?;
    crate::config::server_url(&url).map_err(|error| wrong(format!("the address {error}")))?;
    let digest = sha256(&[parsed.to_string().as_bytes()]);
    let details = [("witness", name.clone()), ("key", parsed.name().to_string()), ("url", url.clone())];
    let resource = Resource { digest: Some(digest), ..Resource::default() };
    control(app, Action::WitnessAdd, "operator", resource, &details).await?;
    let file = app.witnessing().file().to_owned();
    let added =
        crate::blocking::run(move || witness::add_to_policy(&file, &name, &key, &url, quorum.as_deref())).await?;
    added.map_err(|error| Problem::new(Code::BadRequest, format!("{error:#}")))?;
    witness_status(app)
}

/// The witnesses.
pub(super) fn witness_status(app: &Arc<App>) -> Result<WitnessRows, Problem> {
    let witnessing = app.witnessing();
    let policy = witnessing.policy();
    let unread = policy.as_ref().err().map(|error| format!("{error:#}"));
    let policy = policy.unwrap_or_else(|_| bulkhead_ledger::WitnessPolicy::none());
    let cosigned = app.log().cosigned();
    let size = cosigned.as_deref().and_then(|note| Checkpoint::read_unverified(note).ok()).map(|found| found.size);
    let rows = policy.witnesses().iter().map(|known| {
        let standing = witnessing.standing(&known.name);
        WitnessRow {
            name: known.name.clone(),
            key: known.key.to_string(),
            url: known.url.clone(),
            cosigned: standing.cosigned.map(|(size, _)| size),
            at: standing.cosigned.and_then(|(_, at)| Timestamp::from_second(i64::try_from(at).ok()?).ok()),
            error: standing.error,
        }
    });
    Ok(WitnessRows {
        file: witnessing.file().display().to_string(),
        refused: unread.or_else(|| witnessing.refused()),
        signed: app.log().integrated(),
        published: size.unwrap_or_else(|| app.log().integrated()),
        quorum: cosigned.is_some_and(|note| policy.check(&note).is_ok()),
        witnesses: rows.collect(),
    })
}
