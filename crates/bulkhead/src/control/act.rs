//! Carrying out a request on an opened app.

use std::sync::Arc;

use bulkhead_core::policy::Subject;
use bulkhead_core::{Action, Code, Duration, Effect, Problem, Purl, Resource, Verdict};
use bulkhead_ledger::Entry;
use jiff::Timestamp;
use serde::Serialize;

use super::reply::{
    ExceptionRow, FeedRow, Feeds, Held, HeldItem, Imported, LedgerRow, LedgerRows, Loaded, Minted, PolicyInForce,
    Reviewed, RuleLine, TokenRow, Tokens,
};
use super::{Reply, Request};
use crate::app::{App, control_ask};
use crate::source::{feed, seed};
use crate::spine;
use crate::store::{Feed, FeedRefused, FeedSummary, StoreError, Token, TokenText};

/// Carries the request out.
pub async fn act(app: &Arc<App>, request: Request) -> Reply {
    let done = match request {
        Request::Explain { subject } => super::explain::explain(app, &subject).await.and_then(facts),
        Request::ReviewList { all } => review_list(app, all).await.and_then(facts),
        Request::ReviewRelease { subject, rule, reason, owner, expires } => {
            release(app, &subject, rule, reason, owner, expires).await.and_then(facts)
        }
        Request::ReviewReject { subject, reason, owner } => reject(app, &subject, reason, owner).await.and_then(facts),
        Request::PolicyReload => policy_reload(app).await.and_then(facts),
        Request::PolicyShow => facts(policy_show(app)),
        Request::LedgerShow { last, about } => ledger_show(app, last, about).await.and_then(facts),
        Request::LedgerRebuild => rebuild(app).await.and_then(facts),
        Request::WitnessAdd { name, key, url, quorum } => {
            super::ledger::witness_add(app, name, key, url, quorum).await.and_then(facts)
        }
        Request::WitnessStatus => super::ledger::witness_status(app).and_then(facts),
        Request::LedgerTimestamp => super::ledger::timestamp(app).await.and_then(facts),
        Request::SubjectErase { subject, reason } => super::ledger::erase(app, subject, reason).await.and_then(facts),
        Request::RunRecord { run, principal, lines } => {
            super::run::record(app, run, principal, lines).await.and_then(facts)
        }
        Request::RunShow { id } => super::run::show(app, &id).await.and_then(facts),
        Request::RunList { last } => super::run::list(app, last).await.and_then(facts),
        Request::MakeWay => make_way(app).and_then(facts),
        Request::EgressPolicy => facts(super::egress::policy(app)),
        Request::EgressJudge { run, principal, host, port, wanted } => {
            super::egress::judge(app, run, principal, &host, port, wanted).await.and_then(facts)
        }
        Request::TokenCreate { principal, expires, console } => {
            token_create(app, principal, expires, console).await.and_then(facts)
        }
        Request::TokenList => token_list(app).and_then(facts),
        Request::TokenRevoke { id } => token_revoke(app, &id).await.and_then(facts),
        Request::FeedImport { path, name, skip_invalid } => {
            feed_import(app, path, name, skip_invalid).await.and_then(facts)
        }
        Request::FeedList => feed_list(app).and_then(facts),
        Request::SecretNote { change, name, use_for, owner } => {
            super::secret::note(app, change, name, use_for, &owner).await.and_then(facts)
        }
        Request::Lookup { purls } => super::lookup::of_app(app, &purls).await.and_then(facts),
        Request::Rejudge => super::rejudge::rejudge(app).await.and_then(facts),
        Request::ScanRelease { subject } => super::release::scan(app, &subject).await.and_then(facts),
        Request::ReleaseProfile { subject } => super::release::profile(app, &subject).await.and_then(facts),
        Request::Tell { principal, submission } => {
            app.recorder().submit(&bulkhead_core::Principal::new(principal), &submission).await.and_then(facts)
        }
        Request::Exposure { question, bundle } => {
            super::exposure::exposure(app, *question, bundle).await.and_then(facts)
        }
        Request::Watch { vulnerable } => super::watch::watch(app, vulnerable).await.and_then(facts),
        Request::Raised { alarms } => super::watch::raised(app, alarms).await.and_then(facts),
        Request::Environments => super::exposure::environments(app).await.and_then(facts),
        Request::InventoryExport { host, environment } => {
            super::exposure::export(app, host, environment).await.and_then(facts)
        }
    };
    let mut reply = done.unwrap_or_else(|problem| Reply::Problem {
        code: problem.code.to_string(),
        title: problem.title,
        detail: problem.detail,
        help: problem.help,
    });
    // The operator sees names as long as they are known; `ledger export` and proofs show what the entries hold.
    if let Reply::Facts(facts) = &mut reply {
        app.subjects().reveal(facts);
    }
    reply
}

fn facts<T: Serialize>(facts: T) -> Result<Reply, Problem> {
    let facts = serde_json::to_value(facts);
    facts.map(Reply::Facts).map_err(|error| Problem::new(Code::Bug, format!("the reply cannot be written: {error}")))
}

/// Lets go of the data directory, when nobody serves clients from it.
fn make_way(app: &Arc<App>) -> Result<(), Problem> {
    if !app.makes_way() {
        return Err(Problem::new(Code::BadRequest, "a server runs on this data directory")
            .with_help("stop it first, or choose another folder with --data"));
    }
    app.stop();
    Ok(())
}

pub(super) fn stored<T>(result: Result<T, StoreError>) -> Result<T, Problem> {
    result.map_err(|error| error.to_problem())
}

async fn review_list(app: &Arc<App>, all: bool) -> Result<Held, Problem> {
    app.projected().await?;
    let now = app.clock().now();
    let waiting = stored(app.store().held(now))?;
    let settings = app.spine().in_force().policy.settings().clone();
    let mut items: Vec<HeldItem> = waiting
        .into_iter()
        .map(|item| {
            // Time alone settles the cooldown; such an item waits for nobody.
            let aged = item.rule == "cooldown"
                && item.uploaded.unwrap_or(item.first_asked).duration_until(now).as_secs()
                    >= settings.cooldown.as_seconds();
            HeldItem {
                purl: item.purl.to_string(),
                file: item.file,
                effect: item.effect,
                rule: item.rule,
                reason: item.text,
                asked: item.count,
                first: item.first_asked,
                last: item.last_asked,
                principals: item.principals.iter().map(ToString::to_string).collect(),
                verdict: bulkhead_core::VerdictId(item.last_entry).to_string(),
                state: if aged { "aged out" } else { "waiting" }.to_owned(),
            }
        })
        .collect();
    if !all {
        items.retain(|item| item.state == "waiting");
    }
    Ok(Held { items })
}

pub(super) fn release_purl(subject: &str) -> Result<Purl, Problem> {
    let purl: Purl =
        subject.parse().map_err(|error: bulkhead_core::PurlError| Problem::new(Code::BadRequest, error.to_string()))?;
    if purl.version().is_none() {
        return Err(Problem::new(Code::BadRequest, format!("{purl} names no version")).with_help(format!(
            "a review is about one release: {purl}@VERSION; for every release write an [[exception]] into the policy"
        )));
    }
    Ok(purl)
}

async fn release(
    app: &Arc<App>,
    subject: &str,
    rule: Option<String>,
    reason: String,
    owner: String,
    expires: Timestamp,
) -> Result<Reviewed, Problem> {
    let purl = release_purl(subject)?;
    if reason.trim().is_empty() {
        return Err(Problem::new(Code::BadRequest, "the reason is empty")
            .with_help("say why in a sentence: it is kept for ever"));
    }
    let in_force = app.spine().in_force();
    let rules = match rule {
        Some(rule) if rule == spine::REJECTED || in_force.policy.rule(&rule).is_some() => vec![rule],
        Some(rule) => {
            let known: Vec<&str> = in_force.policy.rules().iter().map(bulkhead_core::policy::Rule::id).collect();
            return Err(Problem::new(Code::BadRequest, format!("the policy has no rule `{rule}`"))
                .with_help(format!("its rules are {}", known.join(", "))));
        }
        None => refusing_rules(app, &purl).await?,
    };
    let details =
        [("owner", owner.clone()), ("reason", reason), ("rule", rules.join(",")), ("expires", expires.to_string())];
    let entry = control(
        app,
        Action::ReviewRelease,
        &owner,
        Resource { purl: Some(purl.clone()), ..Resource::default() },
        &details,
    )
    .await?;
    app.projected().await?;
    Ok(Reviewed { purl: purl.to_string(), rules, expires: Some(expires), entry })
}

/// Every rule that refuses a file of the release now: those are what a release without `--rule` is about.
async fn refusing_rules(app: &Arc<App>, purl: &Purl) -> Result<Vec<String>, Problem> {
    let explanation = super::explain::explain(app, &purl.to_string()).await?;
    let mut rules: Vec<String> = Vec::new();
    for reason in explanation.files.iter().flat_map(|file| &file.reasons) {
        if reason.counts() && !reason.effect.passes() && !rules.contains(&reason.rule) {
            rules.push(reason.rule.clone());
        }
    }
    if rules.is_empty() {
        return Err(Problem::new(Code::BadRequest, format!("no rule holds {purl} now"))
            .with_help("there is nothing to release; see bulkhead explain"));
    }
    Ok(rules)
}

async fn reject(app: &Arc<App>, subject: &str, reason: String, owner: String) -> Result<Reviewed, Problem> {
    let purl = release_purl(subject)?;
    let details = [("owner", owner.clone()), ("reason", reason)];
    let resource = Resource { purl: Some(purl.clone()), ..Resource::default() };
    let entry = control(app, Action::ReviewReject, &owner, resource, &details).await?;
    app.projected().await?;
    Ok(Reviewed { purl: purl.to_string(), rules: Vec::new(), expires: None, entry })
}

/// Records what an operator did. The entry comes before the effect.
pub(super) async fn control(
    app: &Arc<App>,
    action: Action,
    owner: &str,
    resource: Resource,
    details: &[(&str, String)],
) -> Result<u64, Problem> {
    let ask = control_ask(action, owner, resource);
    let digest = app.spine().in_force().digest;
    let mut entry = Entry::new(&ask, &Verdict::plain(Effect::Allow), spine::entry_time(app.clock().now()), digest);
    for (name, value) in details {
        entry = entry.with_detail(name, value.clone());
    }
    Ok(app.spine().record(entry).await?.entry().0)
}

async fn policy_reload(app: &Arc<App>) -> Result<Loaded, Problem> {
    let loaded = app.reload_policy().await;
    let (digest, entry) = loaded.map_err(|error| {
        Problem::new(Code::BadRequest, format!("the policy was not loaded; the one before stays in force\n{error:#}"))
            .with_help("bulkhead policy check")
    })?;
    Ok(Loaded { policy: digest.to_hex(), rules: app.spine().in_force().policy.rules().len(), entry })
}

fn policy_show(app: &App) -> PolicyInForce {
    let (in_force, now) = (app.spine().in_force(), app.clock().now());
    let rule = |rule: &bulkhead_core::policy::Rule| RuleLine {
        rule: rule.id().to_owned(),
        effect: rule.effect(),
        matched: false,
        when: rule.condition().to_owned(),
    };
    let exception = |(exception, used): (bulkhead_core::policy::Exception, bool)| {
        let state = match used {
            _ if exception.expires <= now => "expired",
            true => "in use",
            false => "matched nothing since the load",
        };
        ExceptionRow {
            id: exception.id,
            rule: exception.rule,
            subject: exception.subject.to_string(),
            owner: exception.owner,
            expires: exception.expires,
            state: state.to_owned(),
        }
    };
    PolicyInForce {
        policy: in_force.digest.to_hex(),
        entry: in_force.receipt().entry().0,
        rules: in_force.policy.rules().iter().map(rule).collect(),
        exceptions: in_force.exceptions().into_iter().map(exception).collect(),
    }
}

async fn ledger_show(app: &Arc<App>, last: usize, about: Option<String>) -> Result<LedgerRows, Problem> {
    let log = app.log();
    let last = last.clamp(1, 10_000);
    let rows = match about {
        Some(subject) => {
            app.projected().await?;
            about_rows(app, &subject, last)?
        }
        None => {
            let size = log.size();
            let mut rows = Vec::new();
            for entry in log.entries(size.saturating_sub(last as u64)..size) {
                let (index, entry) = entry.map_err(|error| Problem::new(Code::LedgerUnavailable, error.to_string()))?;
                rows.push(ledger_row(index, &entry)?);
            }
            rows.reverse();
            rows
        }
    };
    Ok(LedgerRows { origin: app.verifier().name().to_string(), size: log.size(), entries: rows })
}

fn about_rows(app: &App, subject: &str, last: usize) -> Result<Vec<LedgerRow>, Problem> {
    let wrong = |why: String| Problem::new(Code::BadRequest, why).with_help("name a purl or sha256:DIGEST");
    let subject: Subject =
        subject.parse().map_err(|error: bulkhead_core::policy::SubjectError| wrong(error.to_string()))?;
    let rows = match subject {
        Subject::File(digest) => stored(app.store().entries_with_digest(&digest, last))?,
        Subject::Package { project, version } => {
            let purl = version.map_or_else(|| project.clone(), |version| project.at(version));
            stored(app.store().entries_about(&purl, last))?
        }
    };
    rows.iter().map(|(index, entry)| ledger_row(*index, entry)).collect()
}

fn ledger_row(index: bulkhead_core::EntryIndex, entry: &Entry) -> Result<LedgerRow, Problem> {
    let bug = |why: String| Problem::new(Code::Bug, format!("entry {index} cannot be shown: {why}"));
    let bytes = entry.encode(index).map_err(|error| bug(error.to_string()))?;
    let entry = serde_json::from_slice(&bytes).map_err(|error| bug(error.to_string()))?;
    Ok(LedgerRow { index: index.0, entry })
}

async fn rebuild(app: &Arc<App>) -> Result<u64, Problem> {
    let rebuilt = Arc::clone(app);
    let count = crate::blocking::run(move || rebuilt.rebuild()).await?;
    count.map_err(|error| Problem::new(Code::StorageUnavailable, format!("{error:#}")))
}

async fn token_create(
    app: &Arc<App>,
    principal: String,
    expires: Option<Timestamp>,
    console: bool,
) -> Result<Minted, Problem> {
    let good = !principal.is_empty()
        && principal.len() <= 64
        && principal.chars().all(|char| char.is_ascii_alphanumeric() || "-_.@/".contains(char));
    if !good || principal == bulkhead_core::Principal::LOCAL {
        return Err(Problem::new(
            Code::BadRequest,
            format!("`{}` cannot name a principal", principal.chars().take(80).collect::<String>()),
        )
        .with_help("1 to 64 letters, digits and -_.@/ ; `local` is the name of those who show no token"));
    }
    let text = TokenText::generate().map_err(|error| Problem::new(Code::Bug, error.to_string()))?;
    let details = [
        ("for", principal.clone()),
        ("expires", expires.map_or_else(String::new, |at| at.to_string())),
        ("console", if console { "yes" } else { "" }.to_owned()),
    ];
    control(app, Action::TokenCreate, "operator", Resource::default(), &details).await?;
    let named = bulkhead_core::Principal::new(principal.clone());
    let token = stored(app.store().create_token(&text, &named, app.clock().now(), expires))?;
    if console {
        stored(app.store().make_admin(&text))?;
    }
    Ok(Minted { id: token.id, principal, token: text.reveal().to_owned(), expires })
}

fn token_list(app: &App) -> Result<Tokens, Problem> {
    Ok(Tokens { tokens: stored(app.store().tokens())?.into_iter().map(token_row).collect() })
}

async fn token_revoke(app: &Arc<App>, id: &str) -> Result<TokenRow, Problem> {
    let missing =
        || Problem::new(Code::BadRequest, format!("no valid token has the id `{id}`")).with_help("bulkhead token list");
    let known = stored(app.store().tokens())?.into_iter().find(|token| token.id == id && token.revoked.is_none());
    let token = known.ok_or_else(missing)?;
    let details = [("for", token.principal.to_string()), ("id", token.id.clone())];
    control(app, Action::TokenRevoke, "operator", Resource::default(), &details).await?;
    if !stored(app.store().revoke_token(id, app.clock().now()))? {
        return Err(missing());
    }
    Ok(TokenRow { revoked: true, ..token_row(token) })
}

fn token_row(token: Token) -> TokenRow {
    let Token { id, principal, created, expires, revoked } = token;
    TokenRow { id, principal: principal.to_string(), created, expires, revoked: revoked.is_some() }
}

async fn feed_import(
    app: &Arc<App>,
    path: std::path::PathBuf,
    name: Option<String>,
    skip_invalid: bool,
) -> Result<Imported, Problem> {
    let (store, now) = (Arc::clone(app.store()), app.clock().now());
    let options = feed::Options { name, skip_invalid };
    let (recording, runtime) = (Arc::clone(app), tokio::runtime::Handle::current());
    let imported = crate::blocking::run(move || {
        let mut unrecorded = None;
        let mut record = |name: &str, summary: &FeedSummary| {
            let details = [("feed", name.to_owned()), ("records", summary.records.to_string())];
            let resource = Resource { digest: Some(summary.digest), ..Resource::default() };
            // This thread is one that may wait.
            let entry = runtime.block_on(control(&recording, Action::FeedImport, "operator", resource, &details));
            entry.map(drop).map_err(|problem| FeedRefused(unrecorded.insert(problem).to_string()))
        };
        let imported = feed::import(&*store, &path, &options, now, &mut record);
        imported.map_err(|error| {
            unrecorded.unwrap_or_else(|| {
                Problem::new(Code::BadRequest, error.to_string())
                    .with_help("nothing was changed; mend the records, or pass --skip-invalid")
            })
        })
    });
    let feed::Imported { feed, invalid } = imported.await??;
    app.spine().facts_changed();
    super::watch::tell_log(app).await?;
    let (withdrawn, foreign) = (feed.summary.withdrawn, feed.summary.elsewhere);
    Ok(Imported { feed: feed_row(app, feed), withdrawn, foreign, invalid })
}

fn feed_list(app: &App) -> Result<Feeds, Problem> {
    Ok(Feeds { feeds: stored(app.store().feeds())?.into_iter().map(|feed| feed_row(app, feed)).collect() })
}

fn feed_row(app: &App, feed: Feed) -> FeedRow {
    let age = feed.imported_at.duration_until(app.clock().now()).as_secs();
    let limit = app.spine().in_force().policy.settings().feed_max_age;
    FeedRow {
        stale: feed.name != seed::FEED && Duration::seconds(age) > limit,
        name: feed.name,
        digest: feed.summary.digest.to_hex(),
        records: feed.summary.records,
        imported: feed.imported_at,
        newest: feed.summary.newest,
        age,
    }
}
