//! What a client tells, as JSON, and the checks on it. Every mistake is reported, not the first.

use bulkhead_core::{Code, Ecosystem, Problem, Purl, RunId, Sha256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::record::{Asset, ItemLine, MemberLine, Record, Use, digest_of_lines};

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Submission {
    /// What is installed in an environment.
    Inventory(InventoryReport),
    /// What a build made.
    Build(BuildReport),
    /// Where a run ran, with what.
    Run(RunReport),
    /// What people declare.
    Assets {
        /// All of it.
        assets: Vec<Asset>,
    },
}

/// What is installed in one environment of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryReport {
    /// The host.
    pub host: String,
    /// The environment.
    pub environment: String,
    /// What is there.
    pub items: Vec<InventoryItem>,
}

/// One installed thing: by release, by digest, or by its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryItem {
    /// The release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// The file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The files of an installed distribution, when no file of the release is at hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<MemberFile>,
}

/// A file of an installed distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberFile {
    /// Its path.
    pub path: String,
    /// Its digest.
    pub sha256: String,
}

/// What a build made of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildReport {
    /// The digest of what it made.
    pub output: String,
    /// Its name.
    pub name: String,
    /// When; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What it took in.
    pub inputs: Vec<InventoryItem>,
}

/// Where a run ran, with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunReport {
    /// Which; the answer to the first report names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Where.
    pub host: String,
    /// From when.
    pub start: Timestamp,
    /// Until when; absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// The digest of what it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Secrets leased to it, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Datasets that it read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datasets: Vec<String>,
    /// Network hosts that it contacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
}

/// The release under the spelling of its version that the gate's own entries have: `1.0` and `v1.0` are one release.
pub fn canonical(purl: &Purl) -> Purl {
    match (purl.ecosystem(), purl.version()) {
        (Ecosystem::Pypi, Some(version)) => {
            version.parse::<pep440_rs::Version>().map_or_else(|_| purl.clone(), |version| purl.at(version.to_string()))
        }
        _ => purl.clone(),
    }
}

/// The mistakes so far.
struct Mistakes(Vec<String>);

impl Mistakes {
    fn name(&mut self, what: &str, name: &str) {
        if name.trim().is_empty() || name.len() > 400 {
            self.0.push(format!("{what} is empty or longer than 400 bytes"));
        }
    }

    fn digest(&mut self, what: &str, text: &str) -> Option<Sha256> {
        text.trim_start_matches("sha256:").parse().map_err(|error| self.0.push(format!("{what}: {error}"))).ok()
    }

    fn item(&mut self, number: usize, item: &InventoryItem, contents: &mut Vec<Record>) -> Option<ItemLine> {
        let purl: Option<Purl> = match item.purl.as_deref().map(str::parse) {
            None => None,
            Some(Ok(purl)) => Some(canonical(&purl)),
            Some(Err(error)) => {
                let error: bulkhead_core::PurlError = error;
                self.0.push(format!("item {number}: {error}"));
                return None;
            }
        };
        let mut digest = match &item.sha256 {
            Some(text) => Some(self.digest(&format!("item {number}"), text)?),
            None => None,
        };
        if !item.files.is_empty() {
            let mut members = Vec::with_capacity(item.files.len());
            for file in &item.files {
                let digest = self.digest(&format!("item {number}, {}", file.path), &file.sha256)?;
                members.push(MemberLine { digest, path: file.path.clone() });
            }
            members.sort();
            members.dedup();
            let of = digest.unwrap_or_else(|| digest_of_lines(members.iter().map(MemberLine::line)));
            contents.push(Record::Contents { purl: purl.clone(), of, members });
            digest = Some(of);
        }
        if purl.is_none() && digest.is_none() {
            self.0.push(format!("item {number} has neither a purl nor a sha256"));
            return None;
        }
        Some(ItemLine { purl, digest })
    }

    fn items(&mut self, items: &[InventoryItem], contents: &mut Vec<Record>) -> Vec<ItemLine> {
        let mut lines: Vec<ItemLine> =
            (1..).zip(items).filter_map(|(number, item)| self.item(number, item, contents)).collect();
        lines.sort();
        lines.dedup();
        lines
    }

    fn finish<T>(self, good: T) -> Result<T, Problem> {
        if self.0.is_empty() {
            return Ok(good);
        }
        let shown: Vec<&str> = self.0.iter().take(20).map(String::as_str).collect();
        let more = self.0.len().saturating_sub(shown.len());
        let more = if more == 0 { String::new() } else { format!("\nand {more} more") };
        Err(Problem::new(Code::BadRequest, format!("{}{more}", shown.join("\n")))
            .with_help("nothing was recorded; mend the report and send it again"))
    }
}

impl Submission {
    /// The records that it makes: contents that items name by their files, and the record itself. `fresh` names a run that
    /// has no name yet.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn records(&self, now: Timestamp, fresh: impl FnOnce() -> RunId) -> Result<(Vec<Record>, Record), Problem> {
        let (mut mistakes, mut contents) = (Mistakes(Vec::new()), Vec::new());
        let record = match self {
            Self::Inventory(InventoryReport { host, environment, items }) => {
                mistakes.name("the host", host);
                mistakes.name("the environment", environment);
                let items = mistakes.items(items, &mut contents);
                let digest = digest_of_lines(items.iter().map(ItemLine::line));
                let (host, environment) = (host.clone(), environment.clone());
                Some(Record::Inventory { host, environment, digest, items, unchanged: false })
            }
            Self::Build(BuildReport { output, name, at, host, inputs }) => {
                mistakes.name("the build's name", name);
                let output = mistakes.digest("output", output);
                let inputs = mistakes.items(inputs, &mut contents);
                let (name, at, host) = (name.clone(), at.unwrap_or(now), host.clone());
                output.map(|output| Record::Build { output, name, at, host, inputs })
            }
            Self::Run(RunReport { run, host, start, end, environment, secrets, datasets, contacts }) => {
                mistakes.name("the host", host);
                if end.is_some_and(|end| end < *start) {
                    mistakes.0.push("the run ends before it starts".to_owned());
                }
                let environment = environment.as_ref().and_then(|text| mistakes.digest("environment", text));
                let mut uses = Vec::new();
                for (what, names) in [(Use::Secret, secrets), (Use::Dataset, datasets), (Use::Contact, contacts)] {
                    for name in names {
                        mistakes.name(what.word(), name);
                        uses.push((what, name.clone()));
                    }
                }
                let run = run.unwrap_or_else(fresh);
                Some(Record::Run { run, host: host.clone(), start: *start, end: *end, environment, uses })
            }
            Self::Assets { assets } => Some(Record::Assets { assets: assets.clone() }),
        };
        let Some(record) = record else {
            return mistakes.finish(()).and(Err(Problem::new(Code::Bug, "a report without mistakes made no record")));
        };
        mistakes.finish((contents, record))
    }
}
