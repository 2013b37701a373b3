//! The facts about the files of one project: what the sources say, and what the worker saw where it has looked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulkhead_core::policy::Settings;
use bulkhead_core::{Action, Ask, Facts, Finding, Problem, Purl, Sha256};
use jiff::Timestamp;

use super::caller::Caller;
use super::ecosystem::pypi::{FileName, IndexFile, UploadTime, Version, parse_version};
use super::pages::Page;
use super::{Intake, ServedLately};
use crate::source::{advisory, age, dependency, floor, lookalike, read, reserved, status};
use crate::spine::{Basis, InForce, Reviewed};
use crate::store::{Advisory, Decision, Feed, Judged, KeptDelta, ServedVersion, Store, StoreError};

/// What the worker saw in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) readable: bool,
    pub(super) findings: &'a [Finding],
    /// What the code can do and when.
    pub(super) behaviours: &'a [String],
    /// What is new against the release before; nothing when there is none here.
    pub(super) delta: Option<&'a KeptDelta>,
}

/// Everything about one project that does not depend on the file, read from the store once.
pub(super) struct Gatherer {
    page: Arc<Page>,
    purl: Purl,
    settings: Settings,
    feeds: Vec<Feed>,
    by_name: Vec<Advisory>,
    by_file: BTreeMap<Sha256, Vec<Advisory>>,
    judged: BTreeMap<Sha256, Judged>,
    deltas: BTreeMap<Sha256, KeptDelta>,
    served: Vec<ServedVersion>,
    floor: Option<(Version, ServedVersion)>,
    reviewed: Reviewed,
    lookalike: Option<&'static str>,
}

impl Gatherer {
    /// Reads what the store knows about the page's project and every file of it: for a listing.
    pub(super) async fn of_page(intake: &Intake, page: &Arc<Page>, basis: &Basis) -> Result<Self, Problem> {
        let digests = page.index.files.iter().filter_map(IndexFile::sha256).collect();
        Self::load(intake, page, digests, basis).await
    }

    /// Reads what the store knows about the page's project and one file: a page may list thousands.
    pub(super) async fn of_file(
        intake: &Intake,
        page: &Arc<Page>,
        file: &IndexFile,
        basis: &Basis,
    ) -> Result<Self, Problem> {
        Self::load(intake, page, file.sha256().into_iter().collect(), basis).await
    }

    async fn load(intake: &Intake, page: &Arc<Page>, digests: Vec<Sha256>, basis: &Basis) -> Result<Self, Problem> {
        let (store, page, in_force) = (Arc::clone(&intake.store), Arc::clone(page), Arc::clone(&basis.in_force));
        let lately = Arc::clone(&intake.served_lately);
        let loaded = crate::blocking::run(move || Self::read(&*store, &lately, page, &digests, &in_force)).await?;
        loaded.map_err(|error| error.to_problem())
    }

    fn read(
        store: &dyn Store,
        lately: &ServedLately,
        page: Arc<Page>,
        digests: &[Sha256],
        in_force: &InForce,
    ) -> Result<Self, StoreError> {
        let purl = page.index.name.purl();
        // First what the store does not have, so that nothing is missed that it takes in meanwhile.
        let mut served = lately(&purl);
        served.extend(store.served(&purl)?);
        Ok(Self {
            settings: in_force.policy.settings().clone(),
            feeds: store.feeds()?,
            by_name: store.advisories_on(&purl)?,
            by_file: store.advisories_with_files(digests)?,
            judged: store.reports_for(digests, bulkhead_detect::RULESET)?,
            deltas: store.deltas_for(digests, bulkhead_detect::RULESET)?,
            floor: floor::highest(served.clone()),
            served,
            reviewed: Reviewed::new(respelled(store.decisions_for(&purl)?, &page), &in_force.policy),
            lookalike: lookalike::find(purl.ecosystem(), purl.name()),
            page,
            purl,
        })
    }

    /// The page.
    pub(super) fn page(&self) -> &Arc<Page> {
        &self.page
    }

    /// The knobs of the policy in force.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What people decided about the project.
    pub(super) fn reviewed(&self) -> &Reviewed {
        &self.reviewed
    }

    /// What the worker saw in the file, when it was read before.
    pub(super) fn seen(&self, file: &IndexFile) -> Option<Seen<'_>> {
        let judged = self.judged.get(&file.sha256()?)?;
        let (findings, behaviours) = (&judged.findings, &judged.behaviours);
        Some(Seen { readable: judged.readable, findings, behaviours, delta: self.delta(file) })
    }

    /// What is new in the file, when it was compared before.
    pub(super) fn delta(&self, file: &IndexFile) -> Option<&KeptDelta> {
        self.kept_delta(&file.sha256()?)
    }

    /// What is new in the file, with the file that it was compared with.
    pub(super) fn kept_delta(&self, digest: &Sha256) -> Option<&KeptDelta> {
        self.deltas.get(digest)
    }

    /// The versions of the project that left this gate.
    pub(super) fn served(&self) -> &[ServedVersion] {
        &self.served
    }

    /// The ask of that caller for the file.
    pub(super) fn ask(&self, caller: &Caller, action: Action, file: &IndexFile) -> Ask {
        let name = FileName::parse(&file.filename, &self.page.index.name);
        let purl = match name.as_ref().ok().and_then(FileName::version) {
            Some(version) => self.purl.at(version.to_string()),
            None => self.purl.clone(),
        };
        caller.ask(action, purl, Some(&file.filename), file.sha256())
    }

    /// The advisories on a version, as `ID (malicious): sentence`.
    pub(super) fn advisories_on(&self, version: &str) -> Vec<String> {
        let mut facts = Facts::new();
        advisory::gather(&mut facts, parse_version(version).as_ref(), &self.by_name, &[]);
        let ids = |name: &str, word: &str| match facts.get(name) {
            Some(bulkhead_core::Value::List(ids)) => ids.iter().map(|id| format!("{id} ({word})")).collect(),
            _ => Vec::new(),
        };
        let mut named: Vec<String> = ids("advisory.malicious", "malicious");
        named.extend(ids("advisory.vulnerable", "vulnerable"));
        named
    }

    /// The facts about the file. Without `seen` its content was not read yet, and the facts say so.
    pub(super) fn facts(&self, file: &IndexFile, seen: Option<Seen<'_>>, now: Timestamp) -> Facts {
        let mut facts = Facts::new();
        let name = FileName::parse(&file.filename, &self.page.index.name);
        match &name {
            Ok(name) => facts.set("file.kind", name.kind().as_str()),
            // A file of another project or without a version cannot be judged by version: policy holds on this.
            Err(error) => facts.unknown("file-name", error.to_string()),
        }
        if file.conflicting {
            facts.unknown(
                "file-name",
                format!("the upstream lists {} more than once, with differing facts", file.filename),
            );
        }
        facts.set("file.size", file.size.and_then(|size| i64::try_from(size).ok()));
        facts.set("file.has_hash", file.sha256().is_some());
        facts.set("file.yanked", file.yanked.is_yanked());
        let first_seen = self.page.first_seen.get(&file.filename).copied();
        let told = match &file.upload_time {
            UploadTime::Absent => age::Told::Nothing,
            UploadTime::At { at, .. } => age::Told::At(*at),
            UploadTime::Malformed(text) => age::Told::Malformed(text),
        };
        age::gather(&mut facts, told, first_seen, now);
        let project_status = self.page.index.status.as_ref();
        status::gather(&mut facts, project_status.map(|status| (&*status.status, status.reason.as_deref())));
        reserved::gather(&mut facts, &self.purl, &self.settings);
        facts.set("project.lookalike", self.lookalike);
        let version = name.as_ref().ok().and_then(FileName::version);
        let of_file = file.sha256().and_then(|digest| self.by_file.get(&digest)).map(Vec::as_slice);
        advisory::gather(&mut facts, version, &self.by_name, of_file.unwrap_or_default());
        advisory::gather_age(&mut facts, &self.feeds, &self.settings, now);
        floor::gather(&mut facts, version, file.upload_time.at(), self.floor.as_ref());
        facts.set("content.judged", seen.is_some());
        if let Some(seen) = seen {
            let delta = seen.delta.map(|kept| &kept.delta);
            read::gather(&mut facts, seen.readable, seen.findings, seen.behaviours, delta);
            if let Some(kept) = seen.delta {
                let uploaded = file.upload_time.at().or(first_seen).unwrap_or(now);
                dependency::gather(&mut facts, &kept.delta, &kept.born, uploaded);
            }
        }
        facts
    }
}

/// The decisions, once more for each other spelling of their version that the page has: `1.0` and `1.0.0` are one release
/// (PEP 440), and what was decided about one is decided about the other.
fn respelled(mut decisions: Vec<Decision>, page: &Page) -> Vec<Decision> {
    let mut more = Vec::new();
    for decision in &decisions {
        let Some(decided) = decision.purl.version() else { continue };
        let Some(parsed) = parse_version(decided) else { continue };
        let names = page.index.files.iter().filter_map(|file| FileName::parse(&file.filename, &page.index.name).ok());
        let versions = names.filter_map(|name| name.version().cloned());
        let spellings: BTreeSet<String> =
            versions.filter(|version| *version == parsed).map(|version| version.to_string()).collect();
        let others = spellings.into_iter().filter(|spelling| spelling != decided);
        more.extend(others.map(|spelling| Decision { purl: decision.purl.at(spelling), ..decision.clone() }));
    }
    decisions.append(&mut more);
    decisions
}
