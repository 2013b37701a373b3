//! What advisories and the ledger say about releases, without reading them: what a lockfile is held against.

use std::sync::Arc;

use bulkhead_core::{Effect, Facts, Gate, Problem, Purl, Unknown, Value};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::act::stored;
use crate::app::App;
use crate::source::advisory;
use crate::store::{Release, Store, StoreError};

/// Entries looked at per release: the newest say it.
const ENTRIES: usize = 50;

/// What is known about one release.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Looked {
    /// The release.
    pub purl: String,
    /// Advisories that call it malicious.
    pub malicious: Vec<String>,
    /// Other advisories on it.
    pub vulnerable: Vec<String>,
    /// The first advisory's own sentence.
    pub summary: Option<String>,
    /// What could not be told.
    pub unknown: Vec<Unknown>,
    /// How many entries of the ledger served a file of it; the newest [`ENTRIES`] are looked at.
    pub served: u64,
    /// When that was last.
    pub last_served: Option<Timestamp>,
    /// The newest verdict of the intake gate on it, when that refused.
    pub refused: Option<Refused>,
}

/// A refusal in the ledger.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refused {
    /// Its id.
    pub verdict: String,
    /// hold or deny.
    pub effect: Effect,
    /// The rule's sentence.
    pub reason: String,
}

pub(super) async fn of_app(app: &Arc<App>, purls: &[String]) -> Result<Vec<Looked>, Problem> {
    app.projected().await?;
    let (store, purls) = (Arc::clone(app.store()), purls.to_vec());
    stored(crate::blocking::run(move || lookup(&*store, &purls)).await?)
}

/// Looks every release up. A text that is no purl with a version says so in its `unknown`.
///
/// # Errors
/// When the store fails.
pub fn lookup(store: &dyn Store, purls: &[String]) -> Result<Vec<Looked>, StoreError> {
    purls.iter().map(|text| one(store, text)).collect()
}

fn one(store: &dyn Store, text: &str) -> Result<Looked, StoreError> {
    let mut facts = Facts::new();
    let mut looked = Looked {
        purl: text.to_owned(),
        malicious: Vec::new(),
        vulnerable: Vec::new(),
        summary: None,
        unknown: Vec::new(),
        served: 0,
        last_served: None,
        refused: None,
    };
    let purl: Purl = match text.parse() {
        Ok(purl) => purl,
        Err(error) => {
            facts.unknown("purl", format!("{error}"));
            looked.unknown = facts.unknowns;
            return Ok(looked);
        }
    };
    let release = purl.version().and_then(|version| Release::parse(purl.ecosystem(), version));
    advisory::gather_release(&mut facts, release.as_ref(), &store.advisories_on(&purl)?, &[]);
    let list = |name: &str| match facts.get(name) {
        Some(Value::List(ids)) => ids.clone(),
        _ => Vec::new(),
    };
    (looked.malicious, looked.vulnerable) = (list("advisory.malicious"), list("advisory.vulnerable"));
    if let Some(Value::Text(summary)) = facts.get("advisory.summary") {
        looked.summary = Some(summary.clone());
    }
    looked.unknown = facts.unknowns;
    if let Some(served) =
        store.served(&purl)?.into_iter().find(|served| Some(served.version.as_str()) == purl.version())
    {
        (looked.served, looked.last_served) = (served.count, Some(served.last_served));
    }
    let entries = store.entries_about(&purl, ENTRIES)?;
    let newest = entries.into_iter().find(|(_, entry)| entry.gate == Gate::Intake);
    looked.refused = newest.filter(|(_, entry)| !entry.effect.passes()).map(|(index, entry)| Refused {
        verdict: bulkhead_core::VerdictId(index).to_string(),
        effect: entry.effect,
        reason: entry.reasons.iter().find(|reason| reason.counts()).map_or_else(String::new, |r| r.text.clone()),
    });
    Ok(looked)
}
