//! Asking what was exposed: the answer is an entry itself, and may be had as a bundle.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_core::{Action, Code, Problem, Resource};
use bulkhead_ledger::Checkpoint;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::act::{control, stored};
use crate::app::App;
use crate::exposure::{Answer, Question, Subject, walk};
use crate::ledger::subject::Of;
use crate::net::tls;
use crate::store::StoreError;
use crate::store::graph::Kind;

/// How long a bundle waits for witnesses.
const WITNESSES: Duration = Duration::from_secs(15);

/// An answer that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposed {
    /// The answer.
    pub answer: Answer,
    /// The entry that says who asked what, and the digest of the answer.
    pub entry: u64,
    /// The bundle, in base64, when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
}

/// Every environment that was scanned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Environments {
    /// The rows.
    pub environments: Vec<Environment>,
}

/// One environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Environment {
    /// The host.
    pub host: String,
    /// The environment.
    pub environment: String,
    /// When it was scanned last.
    pub last: Timestamp,
    /// The entry of that scan.
    pub entry: u64,
}

pub(super) async fn exposure(app: &Arc<App>, question: Question, bundle: bool) -> Result<Exposed, Problem> {
    let (answer, entry) = answer(app, question).await?;
    let bundle = if bundle { Some(bundled(app, &answer, entry).await?) } else { None };
    Ok(Exposed { answer, entry, bundle })
}

/// Answers, and records that it was asked.
///
/// # Errors
/// When the question cannot be answered, or the ledger cannot record.
pub async fn answer(app: &Arc<App>, mut question: Question) -> Result<(Answer, u64), Problem> {
    // What is compared later must be told exactly: the answer's times have the ledger's own precision.
    question.asked = millis(app.clock().now());
    question.aware = millis(question.aware.min(question.asked));
    question.check()?;
    if let Subject::Release(purl) = &question.subject {
        question.subject = Subject::Release(crate::estate::canonical(purl));
    }
    app.projected().await?;
    if let Subject::Principal(name) = &question.subject {
        question.subject = Subject::Principal(as_recorded(app, name)?);
    }
    question.by = app.spine().word_to_keep(Of::Principal, &question.by).await?;
    let (store, log, asked) = (Arc::clone(app.store()), app.verifier().name().to_string(), question.clone());
    let walked = crate::blocking::run(move || {
        let mut answer = None;
        store.look(&mut |graph| {
            answer = Some(walk(graph, &asked, &log)?);
            Ok(())
        })?;
        Ok::<_, StoreError>(answer)
    });
    let answer = stored(walked.await?)?.ok_or_else(|| Problem::new(Code::Bug, "the graph was not looked at"))?;
    let resource = match &question.subject {
        Subject::Release(purl) => Resource { purl: Some(purl.clone()), ..Resource::default() },
        Subject::File(digest) => Resource { digest: Some(*digest), ..Resource::default() },
        _ => Resource::default(),
    };
    let time = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
    let details = [
        ("subject", question.subject.to_string()),
        ("from", time(question.from)),
        ("to", time(question.to)),
        ("answer", answer.digest().to_hex()),
        ("size", answer.size.to_string()),
    ];
    let entry = control(app, Action::Exposure, &question.by, resource, &details).await?;
    Ok((answer, entry))
}

/// How the record names that principal. Entries name people by pseudonyms, and so must the question, or nobody else could
/// compute its answer; and a name without a pseudonym must not get into the record by being asked about.
fn as_recorded(app: &App, name: &str) -> Result<String, Problem> {
    let word = app.subjects().word_for(Of::Principal, name);
    if word != name || !app.subjects().covers(name) {
        return Ok(word);
    }
    // From a time in which people stood in entries as they are.
    let mut plain = false;
    stored(app.store().look(&mut |graph| {
        plain = graph.find(Kind::Principal, name)?.is_some();
        Ok(())
    }))?;
    if plain {
        return Ok(word);
    }
    Err(Problem::new(
        Code::BadRequest,
        format!("the record names nobody `{name}`: no entry was made for that name, or its pseudonym was erased"),
    )
    .with_help(
        "names are as in `bulkhead token list`, case-sensitive; what was erased is found only by its pseudonym, which \
         the entry of the erasure has",
    ))
}

/// The bundle in base64, once the checkpoint covers the answer's own entry.
async fn bundled(app: &Arc<App>, answer: &Answer, entry: u64) -> Result<String, Problem> {
    Ok(STANDARD.encode(bundle(app, answer, entry).await?))
}

/// The bundle that others verify, once the checkpoint covers the answer's own entry, cosigned where witnesses answer. One
/// that does not delays it for a moment only: the answer is wanted now, and the report says who cosigned.
///
/// # Errors
/// When the ledger does not integrate it, or cannot be read.
pub async fn bundle(app: &Arc<App>, answer: &Answer, entry: u64) -> Result<Vec<u8>, Problem> {
    let log = app.log().clone();
    let mut waited = 0;
    while log.integrated() <= entry {
        waited += 1;
        if waited > 1_000 {
            return Err(Problem::new(
                Code::LedgerUnavailable,
                format!("entry {entry} is not covered by a checkpoint yet"),
            )
            .with_help("the server's log says why integration fails; ask again when it works"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    cosign(app, entry).await?;
    let (answer, key) = (answer.clone(), app.verifier().clone());
    crate::blocking::run(move || crate::exposure::bundle::make(&log, &key, &answer, entry)).await?
}

/// Has the witnesses cosign a checkpoint that covers the entry, unless they have.
async fn cosign(app: &Arc<App>, entry: u64) -> Result<(), Problem> {
    let covers = |note: &Vec<u8>| Checkpoint::read_unverified(note).is_ok_and(|checkpoint| checkpoint.size > entry);
    if app.log().cosigned().as_ref().is_some_and(covers) {
        return Ok(());
    }
    let tls = tls::client(tls::Trust::System).map_err(|error| Problem::new(Code::Bug, error.to_string()))?;
    // Without witnesses it returns at once.
    drop(tokio::time::timeout(WITNESSES, app.witnessing().round(&tls)).await);
    Ok(())
}

fn millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

pub(super) async fn environments(app: &Arc<App>) -> Result<Environments, Problem> {
    app.projected().await?;
    let mut rows = Vec::new();
    stored(app.store().look(&mut |graph| {
        rows = graph.environments()?;
        Ok(())
    }))?;
    let row = |(host, environment, last, entry)| Environment { host, environment, last, entry };
    Ok(Environments { environments: rows.into_iter().map(row).collect() })
}

pub(super) async fn export(app: &Arc<App>, host: String, environment: String) -> Result<serde_json::Value, Problem> {
    app.projected().await?;
    let (mut named, mut installed) = (None, Vec::new());
    let subjects = app.subjects();
    stored(app.store().look(&mut |graph| {
        let mut rows = graph.environments()?;
        let recorded = rows.clone();
        for row in &mut rows {
            (row.0, row.1) = (subjects.reveal_text(&row.0), subjects.reveal_text(&row.1));
        }
        let of_host = || rows.iter().filter(|row| row.0 == host);
        // As `list` shows it, or without the word before it (`python`, `sbom`) when that names one only.
        let short = |row: &&(String, String, Timestamp, u64)| {
            row.1.split_once(' ').is_some_and(|(_, name)| name == environment)
        };
        let only = of_host().filter(short).count() == 1;
        let found = of_host().find(|row| row.1 == environment).or_else(|| of_host().find(|row| only && short(row)));
        named = found.map(|(_, environment, last, _)| (environment.clone(), *last));
        if let Some((host, environment, ..)) = found.and_then(|found| recorded.iter().find(|row| row.3 == found.3)) {
            installed = graph.installed(host, environment)?;
        }
        Ok(())
    }))?;
    let Some((environment, last)) = named else {
        return Err(Problem::new(Code::BadRequest, format!("no environment `{environment}` of {host} was scanned"))
            .with_help("bulkhead inventory list"));
    };
    Ok(crate::estate::cyclonedx::document(&host, &environment, last, &installed))
}
