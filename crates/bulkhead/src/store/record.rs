//! What entries say about the estate: contents, inventories, builds, runs, assets. The form in the ledger, both ways.
//!
//! An entry has a head (in [`Entry::detail`], by name) and a list, one item a line. What does not fit into one entry is
//! split: `part` of `parts`, the head repeated. Entries hold names, labels, digests and counts (invariant 5).

mod assets;
mod lines;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bulkhead_core::{Action, Context, Purl, Resource, RunId, Sha256};
use bulkhead_ledger::Entry;
use jiff::Timestamp;

pub use assets::Asset;
pub use lines::LIST_BYTES;

/// One file inside another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberLine {
    /// Its digest.
    pub digest: Sha256,
    /// Its path there.
    pub path: String,
}

/// One thing that is installed, or that a build took in: a release, a file, or both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ItemLine {
    /// The release.
    pub purl: Option<Purl>,
    /// The file, or the digest over the files of an installed distribution.
    pub digest: Option<Sha256>,
}

/// What kind of thing a run was given or reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// A secret was leased to it.
    Secret,
    /// It read a dataset.
    Dataset,
    /// It contacted a network host.
    Contact,
}

/// What an entry says about the estate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The files inside a file.
    Contents {
        /// The release that it is a file of.
        purl: Option<Purl>,
        /// The file; for an installed distribution, the digest over its files.
        of: Sha256,
        /// The files inside.
        members: Vec<MemberLine>,
    },
    /// What is installed in one environment of a host.
    Inventory {
        /// The host.
        host: String,
        /// The environment: a path, an image, a lockfile.
        environment: String,
        /// Over the whole list, so that an unchanged one is known.
        digest: Sha256,
        /// What is there. Empty with `unchanged`.
        items: Vec<ItemLine>,
        /// The list is that of the scan before.
        unchanged: bool,
    },
    /// What a build made of what.
    Build {
        /// What it made.
        output: Sha256,
        /// Its name, such as an image's.
        name: String,
        /// When.
        at: Timestamp,
        /// Where.
        host: Option<String>,
        /// What it took in.
        inputs: Vec<ItemLine>,
    },
    /// A run.
    Run {
        /// Which.
        run: RunId,
        /// Where.
        host: String,
        /// From when.
        start: Timestamp,
        /// Until when; absent while it goes on.
        end: Option<Timestamp>,
        /// The digest of what it ran: an image, an environment.
        environment: Option<Sha256>,
        /// What it was given and reached.
        uses: Vec<(Use, String)>,
    },
    /// What people declare, as a whole: it takes the place of what was declared before.
    Assets {
        /// Every asset.
        assets: Vec<Asset>,
    },
}

/// The part of an entry that this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u64,
    /// How many there are.
    pub of: u64,
}

/// An entry to be: everything but who, when and under which policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The action.
    pub action: Action,
    /// The resource.
    pub resource: Resource,
    /// The context, of which only the run is set here.
    pub context: Context,
    /// Head and list.
    pub detail: BTreeMap<String, String>,
}

impl Record {
    /// The entries that say it, in order. An empty list still makes one.
    pub fn drafts(&self) -> Vec<Draft> {
        let (mut resource, mut context, mut head) = (Resource::default(), Context::default(), BTreeMap::new());
        let mut set = |name: &str, value: String| head.insert(name.to_owned(), value);
        let (action, list): (Action, Vec<String>) = match self {
            Self::Contents { purl, of, members } => {
                (resource.purl, resource.digest) = (purl.clone(), Some(*of));
                (Action::Contents, members.iter().map(lines::member).collect())
            }
            Self::Inventory { host, environment, digest, items, unchanged } => {
                resource.digest = Some(*digest);
                set("host", lines::label(host));
                set("environment", lines::label(environment));
                if *unchanged {
                    set("unchanged", "yes".to_owned());
                }
                (Action::Inventory, items.iter().map(lines::item).collect())
            }
            Self::Build { output, name, at, host, inputs } => {
                (resource.digest, resource.file) = (Some(*output), Some(lines::label(name)));
                set("at", at.to_string());
                if let Some(host) = host {
                    set("host", lines::label(host));
                }
                (Action::Build, inputs.iter().map(lines::item).collect())
            }
            Self::Run { run, host, start, end, environment, uses } => {
                (context.run, resource.digest) = (Some(*run), *environment);
                set("host", lines::label(host));
                set("start", start.to_string());
                if let Some(end) = end {
                    set("end", end.to_string());
                }
                (
                    Action::Run,
                    uses.iter().map(|(what, name)| format!("{} {}", what.word(), lines::label(name))).collect(),
                )
            }
            Self::Assets { assets } => (Action::Assets, assets.iter().map(Asset::line).collect()),
        };
        let parts = lines::split(list);
        let of = parts.len();
        let part = |(number, list): (usize, String)| {
            let mut detail = head.clone();
            if of > 1 {
                detail.insert("part".to_owned(), (number + 1).to_string());
                detail.insert("parts".to_owned(), of.to_string());
            }
            if !list.is_empty() {
                detail.insert("list".to_owned(), list);
            }
            Draft { action, resource: resource.clone(), context: context.clone(), detail }
        };
        parts.into_iter().enumerate().map(part).collect()
    }

    /// What the entry says, and which part of it this is; nothing when it is about something else.
    ///
    /// # Errors
    /// When it ought to be a record and cannot be read as one: why.
    pub fn read(entry: &Entry) -> Option<Result<(Self, Part), String>> {
        let known =
            [Action::Contents, Action::Inventory, Action::Build, Action::Run, Action::Assets].contains(&entry.action);
        known.then(|| Self::parse(entry))
    }

    fn parse(entry: &Entry) -> Result<(Self, Part), String> {
        let text = |name: &str| entry.detail.get(name).map(String::as_str);
        let need = |name: &str| text(name).map(str::to_owned).ok_or_else(|| format!("it names no {name}"));
        let time = |name: &str| -> Result<Option<Timestamp>, String> {
            let parse = |text: &str| text.parse().map_err(|_| format!("its {name} is not a time"));
            text(name).map(parse).transpose()
        };
        let number =
            |name: &str| text(name).map_or(Ok(1), |text| text.parse().map_err(|_| format!("its {name} is no number")));
        let part = Part { number: number("part")?, of: number("parts")? };
        if part.number == 0 || part.number > part.of {
            return Err(format!("it says that it is part {} of {}", part.number, part.of));
        }
        let list = || text("list").unwrap_or_default().lines();
        let items = || list().map(lines::read_item).collect::<Result<Vec<_>, _>>();
        let digest = entry.resource.digest.ok_or("it names no digest".to_owned());
        let record = match entry.action {
            Action::Contents => Self::Contents {
                purl: entry.resource.purl.clone(),
                of: digest?,
                members: list().map(lines::read_member).collect::<Result<_, _>>()?,
            },
            Action::Inventory => Self::Inventory {
                host: need("host")?,
                environment: need("environment")?,
                digest: digest?,
                items: items()?,
                unchanged: text("unchanged").is_some(),
            },
            Action::Build => Self::Build {
                output: digest?,
                name: entry.resource.file.clone().ok_or("it names no output")?,
                at: time("at")?.ok_or("it says no time")?,
                host: text("host").map(str::to_owned),
                inputs: items()?,
            },
            Action::Run => Self::Run {
                run: entry.context.run.ok_or("it names no run")?,
                host: need("host")?,
                start: time("start")?.ok_or("it says no start")?,
                end: time("end")?,
                environment: entry.resource.digest,
                uses: list().map(read_use).collect::<Result<_, _>>()?,
            },
            _ => Self::Assets { assets: list().map(Asset::read_line).collect::<Result<_, _>>()? },
        };
        Ok((record, part))
    }
}

impl Use {
    /// The word in the list.
    pub fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Dataset => "dataset",
            Self::Contact => "contact",
        }
    }
}

fn read_use(line: &str) -> Result<(Use, String), String> {
    let (word, name) = line.split_once(' ').ok_or_else(|| format!("`{line}` is not a use"))?;
    let what = [Use::Secret, Use::Dataset, Use::Contact].into_iter().find(|what| what.word() == word);
    Ok((what.ok_or_else(|| format!("`{word}` is not secret, dataset or contact"))?, name.to_owned()))
}

/// The digest over the files of an installed distribution, or over a whole inventory: SHA-256 of the sorted lines.
pub fn digest_of_lines(lines: impl IntoIterator<Item = String>) -> Sha256 {
    let mut lines: Vec<String> = lines.into_iter().collect();
    lines.sort_unstable();
    lines.dedup();
    let mut text = lines.join("\n");
    text.push('\n');
    crate::blob::sha256(text.as_bytes())
}

impl MemberLine {
    /// The line in the list.
    pub fn line(&self) -> String {
        lines::member(self)
    }
}

impl ItemLine {
    /// The line in the list.
    pub fn line(&self) -> String {
        lines::item(self)
    }
}
