//! What the record does not say. Each gap is a sentence with the entries that show it; while there is one, what nothing
//! leads to is unknown and not "not reachable".

use std::collections::{BTreeMap, BTreeSet};

use super::answer::Stage;
use super::question::Subject;
use super::walk::{Walk, is_lock, short};
use crate::store::StoreError;
use crate::store::graph::{How, Kind, Presence, Pull, Span, ThingId};

impl Walk<'_> {
    pub(super) fn gaps(&mut self) -> Result<(), StoreError> {
        for (entry, why) in self.graph.unread()? {
            self.gap(format!("entry {entry} holds a record that this program cannot read ({why})"), [entry]);
        }
        match &self.question.subject {
            Subject::Release(_) => {
                self.nowhere()?;
                self.unplaced_builds()?;
                self.silent_hosts()?;
                self.undeclared()
            }
            Subject::File(_) => {
                self.by_name_only()?;
                self.nowhere()?;
                self.unplaced_builds()?;
                self.silent_hosts()?;
                self.undeclared()
            }
            Subject::HostContacted(_) | Subject::Secret(_) | Subject::Dataset(_) | Subject::Principal(_) => {
                self.undeclared()
            }
        }
    }

    /// Somebody received it, and no scan, build or run of theirs says where it went.
    fn nowhere(&mut self) -> Result<(), StoreError> {
        let mut by: BTreeMap<ThingId, Vec<Pull>> = BTreeMap::new();
        for pull in self.pulls.clone() {
            by.entry(pull.principal).or_default().push(pull);
        }
        for (principal, pulls) in by {
            let mut hosts = BTreeSet::new();
            for (host, _) in self.graph.hosts_of(principal)? {
                hosts.insert(host);
            }
            let placed =
                self.presences.iter().any(|(_, presence)| hosts.contains(&presence.host) && !is_lock(presence));
            let built = self.built_by(principal)?;
            if !placed && !built {
                let (name, count) = (self.name(principal)?, pulls.len());
                let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
                let what = format!(
                    "{name} received it {times}, and no inventory or build of {name} says where it went: scan its hosts with `bulkhead inventory scan`"
                );
                self.gap(what, pulls.iter().map(|pull| pull.entry));
            }
        }
        Ok(())
    }

    fn built_by(&self, principal: ThingId) -> Result<bool, StoreError> {
        for id in self.tainted.keys() {
            if self.graph.build(*id)?.is_some_and(|build| build.principal == principal) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A build embeds it, and nothing says where the output runs.
    fn unplaced_builds(&mut self) -> Result<(), StoreError> {
        for (id, _) in self.tainted.clone() {
            let Some(build) = self.graph.build(id)?.filter(|build| build.at <= self.window.to) else { continue };
            let present = self.presences.iter().any(|(artifact, _)| *artifact == id);
            let further = self.graph.closure(&[id], 2)?.iter().any(|step| step.how == How::Embeds);
            if !present && !further && self.graph.runs_of(id, self.window)?.is_empty() {
                let what = format!(
                    "{} ({}) embeds it, and no run or inventory says where it is used",
                    build.name,
                    short(&self.graph.name(id)?.1)
                );
                self.gap(what, [build.entry]);
            }
        }
        Ok(())
    }

    /// A host had it, and no run is recorded there: which secrets were live is not known. Or its last scan is from before
    /// it could have been gone again.
    fn silent_hosts(&mut self) -> Result<(), StoreError> {
        let mut silent: BTreeMap<ThingId, (Span, BTreeSet<u64>)> = BTreeMap::new();
        for taint in std::mem::take(&mut self.silent) {
            let known = silent.entry(taint.host).or_insert((taint.span, BTreeSet::new()));
            known.0 = Span { from: known.0.from.min(taint.span.from), to: known.0.to.max(taint.span.to) };
            known.1.extend(&taint.entries);
        }
        for (host, (span, entries)) in silent {
            let host = self.name(host)?;
            let what = format!(
                "{host} had it from {:.0} to {:.0}, and no run on it is recorded in that time: which secrets were live there is not known",
                span.from, span.to
            );
            self.gap(what, entries);
        }
        let mut open: Vec<(String, Presence)> = Vec::new();
        for (_, presence) in self.presences.clone() {
            if presence.gone.is_none() && presence.last < self.window.from {
                open.push((self.name(presence.host)?, presence));
            }
        }
        for (host, presence) in open {
            let what = format!(
                "{host} was last scanned at {:.0}, before the window: whether {} still had it is not known",
                presence.last, presence.environment
            );
            self.gap(what, presence.entries);
        }
        Ok(())
    }

    /// A file was asked about, and something lists only the release that has it, without file hashes.
    fn by_name_only(&mut self) -> Result<(), StoreError> {
        let (count, first) = self.graph.unindexed()?;
        if count > 0 {
            let what =
                format!("what is inside {count} received files is not recorded: the file asked about may be in one");
            self.gap(what, first);
        }
        let mut releases: BTreeMap<ThingId, u64> = BTreeMap::new();
        for id in self.tainted.keys() {
            releases.extend(self.graph.releases_of(*id)?);
        }
        for (release, entry) in
            releases.into_iter().filter(|(release, _)| !self.tainted.contains_key(release)).collect::<Vec<_>>()
        {
            for presence in self.graph.presences(release)? {
                let (host, name) = (self.name(presence.host)?, self.name(release)?);
                let what = format!(
                    "{host} lists {name} in {} without file hashes: whether it was the file asked about is not known",
                    presence.environment
                );
                self.gap(what, presence.entries.iter().copied().chain([entry]));
            }
        }
        Ok(())
    }

    /// A secret or dataset that nobody declared has relations that nobody knows.
    fn undeclared(&mut self) -> Result<(), StoreError> {
        for (kind, stage) in [(Kind::Secret, Stage::Secret), (Kind::Dataset, Stage::Dataset)] {
            let declared: BTreeSet<String> = self.graph.assets(kind)?.into_iter().map(|asset| asset.name).collect();
            let rows: Vec<_> = self.rows.values().filter(|row| row.stage == stage).cloned().collect();
            for row in rows.into_iter().filter(|row| !declared.contains(&row.name)) {
                let what = format!(
                    "the {} {} is declared nowhere: what it opens and who is in it is not known; see `bulkhead asset import`",
                    stage.word(),
                    row.name
                );
                self.gap(what, row.entries);
            }
        }
        Ok(())
    }
}
