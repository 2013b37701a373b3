//! What is already inside and is marked now: by a feed that came since, or by detectors that are newer than the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulkhead_core::{Action, Problem, Purl, Resource, Severity, Sha256};
use serde::{Deserialize, Serialize};

use super::act::{control, stored};
use crate::app::App;
use crate::source::advisory::names;
use crate::store::graph::ThingId;
use crate::store::{Affects, Release, StoreError};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// What is to be raised.
    pub alarms: Vec<Alarm>,
    /// How many releases are inside.
    pub inside: u64,
    /// How many alarms were raised before and still stand.
    pub known: u64,
}

/// A release inside that is marked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alarm {
    /// The release.
    pub purl: String,
    /// The advisory; `detector:ID` when a newer judgement says so, `rule:ID` when a rejudge refused it.
    pub advisory: String,
    /// As what it is marked.
    pub mark: Mark,
    /// Its sentence.
    pub summary: String,
    /// What to do next.
    pub next: String,
}

/// As what a release is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// It does harm.
    Malicious,
    /// Today's policy refuses it.
    Refused,
    /// It can be harmed.
    Vulnerable,
}

impl Mark {
    /// For people and for entries.
    pub fn word(self) -> &'static str {
        match self {
            Self::Malicious => "malicious",
            Self::Refused => "refused",
            Self::Vulnerable => "vulnerable",
        }
    }

    fn of_advisory(malicious: bool) -> Self {
        if malicious { Self::Malicious } else { Self::Vulnerable }
    }
}

/// Looks at everything inside.
pub(super) async fn watch(app: &Arc<App>, vulnerable: bool) -> Result<Watched, Problem> {
    app.projected().await?;
    let store = Arc::clone(app.store());
    stored(crate::blocking::run(move || look(&*store, vulnerable)).await?)
}

fn look(store: &dyn crate::store::Store, vulnerable: bool) -> Result<Watched, StoreError> {
    let mut found: BTreeMap<(String, String), Alarm> = BTreeMap::new();
    let (mut inside, mut files, mut raised) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    let mut marked: Vec<(String, String, Mark, String)> = Vec::new();
    let mut refused: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    store.look(&mut |graph| {
        inside = graph.inside()?;
        for (id, purl) in &inside {
            raised.insert(purl.clone(), graph.raised(*id)?);
            refused.insert(purl.clone(), graph.refused(*id)?);
            let mut digests: Vec<Sha256> = Vec::new();
            for (file, _) in graph.files_of(*id)? {
                digests.extend(graph.name(file)?.1.parse::<Sha256>().ok());
            }
            files.insert(purl.clone(), digests);
        }
        // A marked file may be inside the archive of a release: up from it to every release that has it.
        let known: BTreeMap<ThingId, &String> = inside.iter().map(|(id, purl)| (*id, purl)).collect();
        for (file, advisory, malicious, summary) in graph.marked()? {
            for step in graph.closure(&[file], 10_000)? {
                for (release, _) in graph.releases_of(step.id)? {
                    if let Some(purl) = known.get(&release) {
                        marked.push(((*purl).clone(), advisory.clone(), Mark::of_advisory(malicious), summary.clone()));
                    }
                }
            }
        }
        Ok(())
    })?;
    for (_, name) in &inside {
        let Ok(purl) = name.parse::<Purl>() else { continue };
        let release = purl.version().and_then(|version| Release::parse(purl.ecosystem(), version));
        let Some(release) = release else { continue };
        for advisory in store.advisories_on(&purl)? {
            if names(&advisory, &release) == Affects::Yes {
                marked.push((name.clone(), advisory.id, Mark::of_advisory(advisory.malicious), advisory.summary));
            }
        }
        // A newer judgement of the same bytes: what was let in would be refused by most today.
        let digests = files.get(name).map(Vec::as_slice).unwrap_or_default();
        for judged in store.reports_for(digests, bulkhead_detect::RULESET)?.into_values() {
            for finding in judged.findings.into_iter().filter(|finding| finding.severity >= Severity::Critical) {
                marked.push((name.clone(), format!("detector:{}", finding.detector), Mark::Malicious, finding.title));
            }
        }
    }
    // A rule that refuses it says something new only where nothing says yet that it does harm.
    let harmful: BTreeSet<String> =
        marked.iter().filter(|found| found.2 == Mark::Malicious).map(|found| found.0.clone()).collect();
    for (purl, rules) in refused.into_iter().filter(|(purl, _)| !harmful.contains(purl)) {
        for (rule, text) in rules {
            marked.push((purl.clone(), format!("rule:{rule}"), Mark::Refused, text));
        }
    }
    let mut before = 0;
    for (purl, advisory, mark, summary) in marked.into_iter().filter(|found| found.2 != Mark::Vulnerable || vulnerable)
    {
        if raised.get(&purl).is_some_and(|raised| raised.contains(&advisory)) {
            before += 1;
            continue;
        }
        let next = format!("bulkhead exposure {purl}");
        found.insert((purl.clone(), advisory.clone()), Alarm { purl, advisory, mark, summary, next });
    }
    Ok(Watched { alarms: found.into_values().collect(), inside: inside.len() as u64, known: before })
}

/// Records that they were raised, so that they are raised once.
pub(super) async fn raised(app: &Arc<App>, alarms: Vec<Alarm>) -> Result<Vec<u64>, Problem> {
    let mut entries = Vec::new();
    for alarm in alarms {
        let purl: Purl = alarm.purl.parse().map_err(|error: bulkhead_core::PurlError| {
            Problem::new(bulkhead_core::Code::BadRequest, error.to_string())
        })?;
        let details = [
            ("advisory", alarm.advisory),
            ("kind", alarm.mark.word().to_owned()),
            ("summary", alarm.summary.chars().take(400).collect()),
        ];
        let resource = Resource { purl: Some(purl), ..Resource::default() };
        entries.push(control(app, Action::Alarm, "bulkhead", resource, &details).await?);
    }
    app.projected().await?;
    Ok(entries)
}

/// After a feed came in or everything was judged again: what is marked inside goes into the server's log at once, raised or
/// not.
pub(super) async fn tell_log(app: &Arc<App>) -> Result<(), Problem> {
    for alarm in watch(app, false).await?.alarms {
        tracing::error!(
            purl = alarm.purl,
            advisory = alarm.advisory,
            "a release that is already inside was marked; {}",
            alarm.next
        );
    }
    Ok(())
}
