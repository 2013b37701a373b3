//! Requests about the ledger itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use bulkhead_core::{Action, Code, Problem, Resource};
use bulkhead_ledger::{Checkpoint, Trust, sha256};
use jiff::Timestamp;

use super::act::control;
use super::reply::{Erased, WitnessRow, WitnessRows};
use crate::app::App;
use crate::ledger::subject::Of;
use crate::ledger::timestamp::{self, Stamped};
use crate::ledger::witness;
use crate::net::tls;
use crate::store::graph::Kind;

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

/// Takes a time stamp now.
pub(super) async fn timestamp(app: &Arc<App>) -> Result<Stamped, Problem> {
    let Some(url) = &app.config().ledger.timestamp_url else {
        return Err(Problem::new(Code::BadRequest, "no time stamping authority is configured")
            .with_help("set timestamp_url in [ledger] of bulkhead.toml"));
    };
    let wrong = |why: String| Problem::new(Code::UpstreamUnreachable, why).with_help("ask the authority's operator");
    let clients = tls::client(tls::Trust::System).map_err(|error| wrong(error.to_string()))?;
    let taken = timestamp::take(app.log(), &app.paths().timestamps, url, &clients, app.clock().now()).await;
    taken.map_err(|error| wrong(format!("{error:#}")))
}

/// Forgets a person. The entry comes before the effect, and names the pseudonym, which then names nobody.
pub(super) async fn erase(app: &Arc<App>, subject: String, reason: String) -> Result<Erased, Problem> {
    let now = app.clock().now();
    let live = |token: &crate::store::Token| {
        token.principal.as_str() == subject
            && token.revoked.is_none()
            && token.expires.is_none_or(|expires| now < expires)
    };
    if super::act::stored(app.store().tokens())?.iter().any(live) {
        return Err(Problem::new(
            Code::BadRequest,
            format!("`{subject}` has a live token, whose next use would name them again"),
        )
        .with_help("bulkhead token list, bulkhead token revoke ID, then erase"));
    }
    let names = theirs(app, &subject).await?;
    let words: Vec<String> = names.iter().map(|(of, name)| app.subjects().word_for(*of, name)).collect();
    let Some(pseudonym) = words.first().cloned() else {
        return Err(Problem::new(Code::BadRequest, format!("no entry names `{subject}` by a pseudonym")).with_help(
            "names are as in `bulkhead token list`, `--owner` and `bulkhead inventory list`; they are case-sensitive",
        ));
    };
    let of = |wanted: Of| names.iter().filter(|(of, _)| *of == wanted).map(|(_, name)| name.clone()).collect();
    let (hosts, environments) = (of(Of::Host), of(Of::Environment));
    let details = [("subject", words.join(" ")), ("reason", reason)];
    let entry = control(app, Action::SubjectErase, "operator", Resource::default(), &details).await?;
    let subjects = Arc::clone(app.subjects());
    let erased =
        crate::blocking::run(move || names.iter().try_for_each(|(of, name)| subjects.erase(*of, name).map(drop)));
    erased.await?.map_err(|error| {
        Problem::new(Code::StorageUnavailable, format!("the salt could not be deleted: {error}"))
            .with_help("entry says that it was asked for; ask again when the disk is mended")
    })?;
    Ok(Erased { pseudonym, entry, hosts, environments })
}

/// What is forgotten with a name: itself, as whatever entries know it; the machines that this principal reported and nobody
/// else did; and the places with that name in their path.
async fn theirs(app: &Arc<App>, name: &str) -> Result<Vec<(Of, String)>, Problem> {
    app.projected().await?;
    let subjects = app.subjects();
    let known = |of: Of, name: &str| subjects.word_for(of, name) != name;
    let mut all: Vec<(Of, String)> =
        Of::ALL.into_iter().filter(|of| known(*of, name)).map(|of| (of, name.to_owned())).collect();
    let mut hosts = Vec::new();
    if known(Of::Principal, name) {
        let word = subjects.word_for(Of::Principal, name);
        super::act::stored(app.store().look(&mut |graph| {
            if let Some(principal) = graph.find(Kind::Principal, &word)? {
                hosts = graph.own_hosts(principal)?;
            }
            Ok(())
        }))?;
    }
    all.extend(hosts.iter().filter_map(|word| subjects.named(word)));
    all.extend(subjects.places_of(name).into_iter().map(|place| (Of::Environment, place)));
    let mut seen = BTreeSet::new();
    all.retain(|one| seen.insert(one.clone()));
    Ok(all)
}
