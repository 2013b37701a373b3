//! From runs and hosts onward: secrets, datasets, partners, people. And what nothing leads to.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::answer::{Grade, Stage};
use super::walk::{Key, Walk};
use crate::store::StoreError;
use crate::store::graph::{AssetRow, Kind, Relation, ThingId};

impl Walk<'_> {
    /// What the runs used, what can be read on the hosts, and what that opens.
    pub(super) fn onward(&mut self) -> Result<(), StoreError> {
        // A few principals have thousands of runs.
        let mut grants: BTreeMap<ThingId, Vec<(ThingId, u64)>> = BTreeMap::new();
        for (id, (run, grade)) in self.runs.clone() {
            let from: Key = (Stage::Run, run.run.to_string());
            for (thing, kind, name, entry) in self.graph.uses(id)? {
                let stage = match kind {
                    Kind::Secret => Stage::Secret,
                    Kind::Dataset => Stage::Dataset,
                    _ => Stage::Contact,
                };
                let why = match (stage, grade) {
                    (Stage::Secret, Grade::Touched) => "leased to a tainted run",
                    (Stage::Secret, _) => "leased to a run on a tainted host",
                    (Stage::Dataset, Grade::Touched) => "read by a tainted run",
                    (Stage::Dataset, _) => "read by a run on a tainted host",
                    (_, Grade::Touched) => "contacted by a tainted run",
                    (_, _) => "contacted by a run on a tainted host",
                };
                let key = (stage, name);
                self.row(&key, grade, why, None, [entry]);
                self.edge(&from, &key, grade);
                if stage != Stage::Contact {
                    self.reach(thing, key, grade);
                }
            }
            let granted = match grants.entry(run.principal) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(self.graph.related(run.principal, Relation::Granted)?),
            };
            for (dataset, entry) in granted.clone() {
                let key = (Stage::Dataset, self.name(dataset)?);
                let principal = self.name(run.principal)?;
                self.row(&key, Grade::WithinReach, &format!("granted to {principal}, whose run it was"), None, [entry]);
                self.edge(&from, &key, Grade::WithinReach);
                self.reach(dataset, key, Grade::WithinReach);
            }
        }
        for taint in self.taints.clone() {
            for (secret, entry) in self.graph.related_to(taint.host, Relation::On)? {
                let (key, host) = ((Stage::Secret, self.name(secret)?), self.name(taint.host)?);
                let entries = taint.entries.iter().copied().chain([entry]);
                self.row(&key, Grade::WithinReach, &format!("can be read on {host}"), None, entries);
                self.edge(&taint.because, &key, Grade::WithinReach);
                self.reach(secret, key, Grade::WithinReach);
            }
        }
        self.opened()?;
        self.shared()
    }

    fn opened(&mut self) -> Result<(), StoreError> {
        let secrets: Vec<(ThingId, Key)> = self.reached_of(Stage::Secret);
        for (secret, from) in secrets {
            for (dataset, entry) in self.graph.related(secret, Relation::Opens)? {
                let key = (Stage::Dataset, self.name(dataset)?);
                self.row(&key, Grade::WithinReach, &format!("opened by {}", from.1), None, [entry]);
                self.edge(&from, &key, Grade::WithinReach);
                self.reach(dataset, key, Grade::WithinReach);
            }
        }
        Ok(())
    }

    fn shared(&mut self) -> Result<(), StoreError> {
        for (dataset, from) in self.reached_of(Stage::Dataset) {
            let grade = self.rows.get(&from).map_or(Grade::WithinReach, |row| row.grade);
            for (partner, entry) in self.graph.related(dataset, Relation::SharedWith)? {
                let key = (Stage::Partner, self.name(partner)?);
                self.row(&key, grade, &format!("shares {}, {}", from.1, grade.words()), None, [entry]);
                self.edge(&from, &key, grade);
                self.reach(partner, key, grade);
            }
        }
        Ok(())
    }

    fn reached_of(&self, stage: Stage) -> Vec<(ThingId, Key)> {
        let of = |(id, (key, _)): (&ThingId, &(Key, Grade))| (key.0 == stage).then(|| (*id, key.clone()));
        self.reached.iter().filter_map(of).collect()
    }

    /// What is declared and nothing leads to: not reachable when the record is whole, else unknown.
    pub(super) fn rest(&mut self) -> Result<(), StoreError> {
        let nothing_known = self.rows.is_empty();
        let (grade, why) = match (self.gaps.len(), nothing_known) {
            (0, true) => (Grade::NotReachable, "nothing recorded has to do with the subject".to_owned()),
            (0, false) => (Grade::NotReachable, "the record has no gap, and nothing leads here".to_owned()),
            (1, _) => (Grade::Unknown, "nothing leads here, but the record has a gap".to_owned()),
            (count, _) => (Grade::Unknown, format!("nothing leads here, but the record has {count} gaps")),
        };
        for (kind, stage) in
            [(Kind::Secret, Stage::Secret), (Kind::Dataset, Stage::Dataset), (Kind::Partner, Stage::Partner)]
        {
            for asset in self.graph.assets(kind)? {
                let key = (stage, asset.name.clone());
                if !self.rows.contains_key(&key) {
                    self.row(&key, grade, &why, None, [asset.entry]);
                }
                self.describe(&key, &asset);
            }
        }
        Ok(())
    }

    fn describe(&mut self, key: &Key, asset: &AssetRow) {
        if let Some(row) = self.rows.get_mut(key) {
            row.owner = asset.owner.clone();
            row.people = asset.people;
            row.records = asset.records;
            row.categories = asset.categories.clone();
            row.entries.insert(asset.entry);
        }
    }

    /// The people in each dataset, with its grade.
    pub(super) fn people(&mut self) -> Result<(), StoreError> {
        let datasets: Vec<_> = self.rows.values().filter(|row| row.stage == Stage::Dataset).cloned().collect();
        for dataset in datasets {
            let Some(count) = dataset.people else { continue };
            let key = (Stage::People, dataset.name.clone());
            let why = format!("the people in {}, {}", dataset.name, dataset.grade.words());
            self.row(&key, dataset.grade, &why, None, dataset.entries.iter().copied());
            if let Some(row) = self.rows.get_mut(&key) {
                (row.people, row.records, row.categories) = (Some(count), dataset.records, dataset.categories.clone());
            }
            if dataset.grade <= Grade::WithinReach {
                self.edge(&(Stage::Dataset, dataset.name.clone()), &key, dataset.grade);
            }
        }
        Ok(())
    }
}
