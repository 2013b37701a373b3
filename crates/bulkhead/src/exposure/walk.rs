//! The walk itself, stage by stage.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::answer::{Answer, Edge, Gap, Grade, Row, Stage};
use super::question::{Question, Subject};
use crate::store::StoreError;
use crate::store::graph::{Graph, How, Kind, Presence, Pull, Relation, RunRow, Span, ThingId};

/// More tainted archives than this are not walked one by one: the answer names the gap.
const MOST_STEPS: usize = 100_000;

/// Answers the question from one state of the graph. `log` is the log's name.
///
/// # Errors
/// When the store cannot be read.
pub fn walk(graph: &dyn Graph, question: &Question, log: &str) -> Result<Answer, StoreError> {
    let mut walk = Walk::new(graph, question);
    match &question.subject {
        Subject::Release(purl) => {
            let seeds: Vec<ThingId> = match purl.version() {
                Some(_) => graph.find(Kind::Release, &purl.to_string())?.into_iter().collect(),
                None => graph.releases(&format!("{purl}@"))?,
            };
            walk.artifacts(&seeds)?;
        }
        Subject::File(digest) => {
            let seeds: Vec<ThingId> = graph.find(Kind::File, &digest.to_hex())?.into_iter().collect();
            walk.artifacts(&seeds)?;
        }
        Subject::HostContacted(host) => walk.used(Kind::Contact, Stage::Contact, host)?,
        Subject::Secret(name) => walk.used(Kind::Secret, Stage::Secret, name)?,
        Subject::Dataset(name) => walk.used(Kind::Dataset, Stage::Dataset, name)?,
        Subject::Principal(name) => walk.principal(name)?,
    }
    walk.onward()?;
    walk.gaps()?;
    walk.rest()?;
    walk.people()?;
    let size = graph.size()?;
    Ok(walk.finish(log, size))
}

/// A row by its stage and name.
pub(super) type Key = (Stage, String);

/// A machine that carried something tainted, for a while.
#[derive(Debug, Clone)]
pub(super) struct Taint {
    pub(super) host: ThingId,
    pub(super) span: Span,
    pub(super) because: Key,
    pub(super) entries: BTreeSet<u64>,
}

pub(super) struct Walk<'a> {
    pub(super) graph: &'a dyn Graph,
    pub(super) question: &'a Question,
    pub(super) window: Span,
    pub(super) rows: BTreeMap<Key, Row>,
    edges: BTreeMap<(Key, Key), Grade>,
    pub(super) gaps: Vec<Gap>,
    /// Tainted files and releases, each with its row.
    pub(super) tainted: BTreeMap<ThingId, Key>,
    pub(super) pulls: Vec<Pull>,
    pub(super) presences: Vec<(ThingId, Presence)>,
    pub(super) taints: Vec<Taint>,
    /// Those of them in which no run is recorded.
    pub(super) silent: Vec<Taint>,
    /// Runs, and how sure it is that they are concerned.
    pub(super) runs: BTreeMap<ThingId, (RunRow, Grade)>,
    /// Secrets and datasets reached so far.
    pub(super) reached: BTreeMap<ThingId, (Key, Grade)>,
    names: BTreeMap<ThingId, String>,
}

impl<'a> Walk<'a> {
    fn new(graph: &'a dyn Graph, question: &'a Question) -> Self {
        let from = question.from.unwrap_or(Timestamp::UNIX_EPOCH);
        let to = question.to.map_or(question.asked, |to| to.min(question.asked));
        Self {
            graph,
            question,
            window: Span { from, to },
            rows: BTreeMap::new(),
            edges: BTreeMap::new(),
            gaps: Vec::new(),
            tainted: BTreeMap::new(),
            pulls: Vec::new(),
            presences: Vec::new(),
            taints: Vec::new(),
            silent: Vec::new(),
            runs: BTreeMap::new(),
            reached: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    /// From a release or file to everything that holds it, and to who had that.
    fn artifacts(&mut self, seeds: &[ThingId]) -> Result<(), StoreError> {
        let mut steps = self.graph.closure(seeds, MOST_STEPS)?;
        if steps.len() > MOST_STEPS {
            steps.truncate(MOST_STEPS);
            let what = format!("more than {MOST_STEPS} files hold it; those beyond were not walked");
            self.gap(what, []);
        }
        for step in &steps {
            let (kind, name) = self.graph.name(step.id)?;
            let why = match (&step.how, step.from) {
                (How::Asked, _) | (_, None) => "asked about".to_owned(),
                (How::OfRelease, Some(from)) => format!("a file of {}", self.graph.name(from)?.1),
                (How::Embeds, Some(from)) => format!("built from {}", short(&self.graph.name(from)?.1)),
                (How::Contains, Some(from)) => {
                    let paths = self.graph.paths(from, step.id)?;
                    format!("contains it as {}", paths.first().map_or("a file", String::as_str))
                }
            };
            let name = if kind == Kind::File { format!("sha256:{name}") } else { name };
            let key = match self.tainted.get(&step.id) {
                Some(key) => key.clone(),
                None => (Stage::Artifact, name),
            };
            self.row(&key, Grade::Touched, &why, None, step.entry);
            self.tainted.insert(step.id, key.clone());
            if let Some(from) = step.from.and_then(|from| self.tainted.get(&from)).cloned() {
                // What was asked about is known from the same entry.
                if let Some(row) = self.rows.get_mut(&from) {
                    row.entries.extend(step.entry);
                }
                self.edge(&from, &key, Grade::Touched);
            }
        }
        let artifacts: Vec<(ThingId, Key)> = self.tainted.iter().map(|(id, key)| (*id, key.clone())).collect();
        for (id, key) in artifacts {
            self.pulled(id, &key)?;
            self.built(id, &key)?;
            self.present(id)?;
            for run in self.graph.runs_of(id, self.window)? {
                self.carried(&run, &key)?;
            }
        }
        self.located()
    }

    fn pulled(&mut self, artifact: ThingId, key: &Key) -> Result<(), StoreError> {
        for pull in self.graph.pulls(artifact, self.window)? {
            let name = self.name(pull.principal)?;
            let from = pull.address.as_ref().map_or_else(String::new, |address| format!(" from {address}"));
            let row = (Stage::Pull, name);
            self.row(&row, Grade::Touched, &format!("received it{from}"), Some((pull.at, pull.at)), [pull.entry]);
            self.edge(key, &row, Grade::Touched);
            self.pulls.push(pull);
        }
        Ok(())
    }

    fn built(&mut self, artifact: ThingId, key: &Key) -> Result<(), StoreError> {
        let Some(build) = self.graph.build(artifact)?.filter(|build| build.at <= self.window.to) else { return Ok(()) };
        let row = (Stage::Build, build.name.clone());
        let by = self.name(build.principal)?;
        self.row(&row, Grade::Touched, &format!("built by {by}"), Some((build.at, build.at)), [build.entry]);
        self.edge(&row, key, Grade::Touched);
        if let Some(host) = build.host {
            let host_row = (Stage::Host, self.name(host)?);
            let why = format!("built {} there", build.name);
            self.row(&host_row, Grade::Touched, &why, Some((build.at, build.at)), [build.entry]);
            self.edge(&host_row, &row, Grade::Touched);
        }
        Ok(())
    }

    fn present(&mut self, artifact: ThingId) -> Result<(), StoreError> {
        for presence in self.graph.presences(artifact)? {
            self.presences.push((artifact, presence));
        }
        Ok(())
    }

    /// Where what was received was, as scans saw it: from the pull, or from the scan before, to the scan that no longer
    /// saw it. Between two scans anything may have been, so the span is the longest that fits.
    fn located(&mut self) -> Result<(), StoreError> {
        for (artifact, presence) in self.presences.clone() {
            let pulled =
                self.pulls.iter().filter(|pull| pull.principal == presence.principal && pull.at <= presence.first);
            let pulled =
                pulled.filter(|pull| presence.since.is_none_or(|since| pull.at >= since)).map(|pull| pull.at).min();
            let from = pulled.or(presence.since).unwrap_or(presence.first);
            let to = presence.gone.unwrap_or(self.window.to);
            let Some(span) = overlap(Span { from, to }, self.window) else { continue };
            let key = self.tainted.get(&artifact).cloned().unwrap_or((Stage::Artifact, String::new()));
            let row = (Stage::Host, self.name(presence.host)?);
            if is_lock(&presence) {
                // What is pinned is not yet installed: it would have been with the next install.
                let why = format!("pins it in {}", presence.environment);
                let span = Some((span.from, span.to));
                self.row(&row, Grade::WithinReach, &why, span, presence.entries.iter().copied());
                self.edge(&key, &row, Grade::WithinReach);
                continue;
            }
            let why = format!("had it in {}", presence.environment);
            self.row(&row, Grade::Touched, &why, Some((span.from, span.to)), presence.entries.iter().copied());
            self.edge(&key, &row, Grade::Touched);
            let entries = presence.entries.iter().copied().collect();
            self.taints.push(Taint { host: presence.host, span, because: row, entries });
        }
        for taint in self.taints.clone() {
            let runs = self.graph.runs_on(taint.host, taint.span)?;
            if runs.is_empty() {
                self.silent.push(taint.clone());
            }
            for run in runs {
                let key =
                    self.run(&run, Grade::WithinReach, "ran while the host had it", taint.entries.iter().copied())?;
                self.edge(&taint.because, &key, Grade::WithinReach);
            }
        }
        Ok(())
    }

    /// A run of something tainted: its host is tainted for as long as it ran.
    fn carried(&mut self, run: &RunRow, because: &Key) -> Result<(), StoreError> {
        let key = self.run(run, Grade::Touched, "ran it", [])?;
        self.edge(because, &key, Grade::Touched);
        let span = overlap(Span { from: run.began, to: run.ended.unwrap_or(self.window.to) }, self.window);
        let Some(span) = span else { return Ok(()) };
        let host = (Stage::Host, self.name(run.host)?);
        self.row(&host, Grade::Touched, "ran it", Some((span.from, span.to)), run.entries.iter().copied());
        self.edge(&host, &key, Grade::Touched);
        let entries = run.entries.iter().copied().collect();
        self.taints.push(Taint { host: run.host, span, because: host, entries });
        Ok(())
    }

    pub(super) fn run(
        &mut self,
        run: &RunRow,
        grade: Grade,
        why: &str,
        entries: impl IntoIterator<Item = u64>,
    ) -> Result<Key, StoreError> {
        let key = (Stage::Run, run.run.to_string());
        let why = format!("{why}, on {}", self.name(run.host)?);
        let span = Some((run.began, run.ended.unwrap_or(self.window.to)));
        self.row(&key, grade, &why, span, run.entries.iter().copied().chain(entries));
        let known = self.runs.entry(run.id).or_insert_with(|| (run.clone(), grade));
        known.1 = known.1.min(grade);
        Ok(key)
    }

    /// From a thing that runs used: the runs, and the machines that they ran on.
    fn used(&mut self, kind: Kind, stage: Stage, name: &str) -> Result<(), StoreError> {
        let Some(thing) = self.graph.find(kind, name)? else { return Ok(()) };
        let key = (stage, name.to_owned());
        self.row(&key, Grade::Touched, "asked about", None, []);
        if stage != Stage::Contact {
            self.reached.insert(thing, (key.clone(), Grade::Touched));
        }
        for (run, entry) in self.graph.runs_using(thing, self.window)? {
            let word = match stage {
                Stage::Contact => "contacted it",
                Stage::Secret => "was leased it",
                _ => "read it",
            };
            let row = self.run(&run, Grade::Touched, word, [entry])?;
            self.edge(&key, &row, Grade::Touched);
            let host = (Stage::Host, self.name(run.host)?);
            let span = Some((run.began, run.ended.unwrap_or(self.window.to)));
            self.row(&host, Grade::Touched, &format!("a run on it {word}"), span, [entry]);
            self.edge(&row, &host, Grade::Touched);
        }
        if kind == Kind::Dataset {
            // Whatever opens it is a way in.
            for (secret, entry) in self.graph.related_to(thing, Relation::Opens)? {
                let row = (Stage::Secret, self.name(secret)?);
                self.row(&row, Grade::WithinReach, "opens it", None, [entry]);
                self.edge(&row, &key, Grade::WithinReach);
            }
            for (principal, entry) in self.graph.related_to(thing, Relation::Granted)? {
                let row = (Stage::Pull, self.name(principal)?);
                self.row(&row, Grade::WithinReach, "has a grant to read it", None, [entry]);
                self.edge(&row, &key, Grade::WithinReach);
            }
        }
        Ok(())
    }

    /// Everything that somebody received, and ran.
    fn principal(&mut self, name: &str) -> Result<(), StoreError> {
        let Some(principal) = self.graph.find(Kind::Principal, name)? else { return Ok(()) };
        let key = (Stage::Pull, name.to_owned());
        self.row(&key, Grade::Touched, "asked about", None, []);
        for pull in self.graph.pulls_by(principal, self.window)? {
            let (_, digest) = self.graph.name(pull.artifact)?;
            let release = self.graph.releases_of(pull.artifact)?.first().copied();
            let name = match release {
                Some((release, _)) => self.name(release)?,
                None => format!("sha256:{digest}"),
            };
            let row = (Stage::Artifact, name);
            self.row(&row, Grade::Touched, "received by it", Some((pull.at, pull.at)), [pull.entry]);
            self.edge(&key, &row, Grade::Touched);
        }
        for (host, entry) in self.graph.hosts_of(principal)? {
            let row = (Stage::Host, self.name(host)?);
            self.row(&row, Grade::Touched, "it speaks for that host", None, [entry]);
            self.edge(&key, &row, Grade::Touched);
        }
        for run in self.graph.runs_by(principal, self.window)? {
            let row = self.run(&run, Grade::Touched, "its run", [])?;
            self.edge(&key, &row, Grade::Touched);
        }
        for (dataset, entry) in self.graph.related(principal, Relation::Granted)? {
            let row = (Stage::Dataset, self.name(dataset)?);
            self.row(&row, Grade::WithinReach, "granted to it", None, [entry]);
            self.edge(&key, &row, Grade::WithinReach);
            self.reach(dataset, row, Grade::WithinReach);
        }
        Ok(())
    }

    pub(super) fn name(&mut self, id: ThingId) -> Result<String, StoreError> {
        if let Some(name) = self.names.get(&id) {
            return Ok(name.clone());
        }
        let (_, name) = self.graph.name(id)?;
        self.names.insert(id, name.clone());
        Ok(name)
    }

    /// Adds to a row: the stronger grade wins and gives the reason, spans and entries grow.
    pub(super) fn row(
        &mut self,
        key: &Key,
        grade: Grade,
        why: &str,
        span: Option<(Timestamp, Timestamp)>,
        entries: impl IntoIterator<Item = u64>,
    ) {
        let row = self.rows.entry(key.clone()).or_insert_with(|| Row {
            stage: key.0,
            name: key.1.clone(),
            grade,
            why: why.to_owned(),
            from: None,
            to: None,
            owner: None,
            people: None,
            records: None,
            categories: Vec::new(),
            entries: BTreeSet::new(),
        });
        if grade < row.grade {
            (row.grade, row.why) = (grade, why.to_owned());
        }
        if let Some((from, to)) = span {
            row.from = Some(row.from.map_or(from, |known| known.min(from)));
            row.to = Some(row.to.map_or(to, |known| known.max(to)));
        }
        row.entries.extend(entries);
    }

    pub(super) fn edge(&mut self, from: &Key, to: &Key, grade: Grade) {
        if from != to && !from.1.is_empty() {
            let known = self.edges.entry((from.clone(), to.clone())).or_insert(grade);
            *known = grade.min(*known);
        }
    }

    pub(super) fn reach(&mut self, id: ThingId, key: Key, grade: Grade) {
        let known = self.reached.entry(id).or_insert((key, grade));
        known.1 = known.1.min(grade);
    }

    pub(super) fn gap(&mut self, what: String, entries: impl IntoIterator<Item = u64>) {
        self.gaps.push(Gap { what, entries: entries.into_iter().collect() });
    }

    fn finish(mut self, log: &str, size: u64) -> Answer {
        self.gaps.sort();
        self.gaps.dedup();
        let mut rows: Vec<Row> = std::mem::take(&mut self.rows).into_values().collect();
        rows.sort_by(|a, b| (a.stage, a.grade, &a.name).cmp(&(b.stage, b.grade, &b.name)));
        let place: BTreeMap<Key, usize> =
            rows.iter().enumerate().map(|(place, row)| ((row.stage, row.name.clone()), place)).collect();
        let edge = |((from, to), grade): (&(Key, Key), &Grade)| {
            Some(Edge { from: *place.get(from)?, to: *place.get(to)?, grade: *grade })
        };
        let mut edges: Vec<Edge> = self.edges.iter().filter_map(edge).collect();
        edges.sort_unstable();
        let mut totals: super::answer::Totals = BTreeMap::new();
        for row in &rows {
            *totals.entry(row.stage).or_default().entry(row.grade).or_default() += 1;
        }
        let people = |grade: Grade| -> u64 {
            let of = |row: &&Row| row.stage == Stage::People && row.grade == grade;
            rows.iter().filter(of).filter_map(|row| row.people).sum()
        };
        let concerned = |row: &&Row| matches!(row.stage, Stage::Pull | Stage::Host | Stage::Run);
        let from = rows.iter().filter(concerned).filter_map(|row| row.from).min();
        let to = rows.iter().filter(concerned).filter_map(|row| row.to).max();
        Answer {
            question: self.question.clone(),
            log: log.to_owned(),
            size,
            from,
            to,
            people_touched: people(Grade::Touched),
            people_within_reach: people(Grade::WithinReach),
            rows,
            edges,
            gaps: self.gaps,
            totals,
        }
    }
}

/// Whether it is only named in a lockfile there.
pub(super) fn is_lock(presence: &Presence) -> bool {
    presence.environment.starts_with("lockfile ")
}

pub(super) fn overlap(a: Span, b: Span) -> Option<Span> {
    let span = Span { from: a.from.max(b.from), to: a.to.min(b.to) };
    (span.from <= span.to).then_some(span)
}

pub(super) fn short(name: &str) -> String {
    if name.len() == 64 { format!("sha256:{}…", &name[..12]) } else { name.to_owned() }
}
