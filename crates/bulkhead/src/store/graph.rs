//! The graph that exposure walks, as look-ups: things, what they contain and became, who had them, where and when.
//!
//! A backend answers each look-up from an index; the walk itself is [`crate::exposure`]'s and the same for all.

use bulkhead_core::RunId;
use jiff::Timestamp;

use super::StoreError;
use super::record::Asset;

/// What kind of thing has a name. The numbers are kept in the database, which the ledger can make anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i64)]
pub enum Kind {
    /// A file, or the digest over an installed distribution's files.
    File = 1,
    /// A package release.
    Release = 2,
    /// A machine.
    Host = 3,
    /// A secret.
    Secret = 4,
    /// A dataset.
    Dataset = 5,
    /// A partner.
    Partner = 6,
    /// Who asks.
    Principal = 7,
    /// A network host that a run contacted.
    Contact = 8,
    /// A run.
    Run = 9,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::File,
        Self::Release,
        Self::Host,
        Self::Secret,
        Self::Dataset,
        Self::Partner,
        Self::Principal,
        Self::Contact,
        Self::Run,
    ];
}

/// A thing, within one look at the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThingId(pub i64);

/// How one tainted thing came from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It was asked about.
    Asked,
    /// It is a file of that release.
    OfRelease,
    /// It contains that file.
    Contains,
    /// A build made it of that.
    Embeds,
}

/// One step of the closure: `id` is tainted because `from` is, says `entry`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is tainted.
    pub id: ThingId,
    /// By what.
    pub from: Option<ThingId>,
    /// How.
    pub how: How,
    /// Which entry says so.
    pub entry: Option<u64>,
}

/// A file was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// The file.
    pub artifact: ThingId,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub principal: ThingId,
    /// From where.
    pub address: Option<String>,
    /// Which entry says so.
    pub entry: u64,
}

/// Something was in an environment of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The host.
    pub host: ThingId,
    /// The environment's name.
    pub environment: String,
    /// Who scanned.
    pub principal: ThingId,
    /// The last scan that did not see it, when there was one.
    pub since: Option<Timestamp>,
    /// The first scan that saw it.
    pub first: Timestamp,
    /// The last scan of the environment.
    pub last: Timestamp,
    /// The first scan that did not see it any more.
    pub gone: Option<Timestamp>,
    /// The entries that say so: seen first, scanned last, gone.
    pub entries: Vec<u64>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Which.
    pub id: ThingId,
    /// Which, for people.
    pub run: RunId,
    /// Where.
    pub host: ThingId,
    /// Whose.
    pub principal: ThingId,
    /// What it ran.
    pub environment: Option<ThingId>,
    /// From when.
    pub began: Timestamp,
    /// Until when; absent while it goes on.
    pub ended: Option<Timestamp>,
    /// The entries that say so.
    pub entries: Vec<u64>,
}

/// What a build made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRow {
    /// The name of what it made.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub host: Option<ThingId>,
    /// Whose.
    pub principal: ThingId,
    /// Which entry says so.
    pub entry: u64,
}

/// A declared thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetRow {
    /// Which.
    pub id: ThingId,
    /// Its name.
    pub name: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// About how many people.
    pub people: Option<u64>,
    /// About how many records.
    pub records: Option<u64>,
    /// Kinds of data and people.
    pub categories: Vec<String>,
    /// Which entry says so.
    pub entry: u64,
}

/// Something in an environment: its release, its digest. One of them is there.
pub type Installed = (Option<String>, Option<String>);

/// A declared relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// A secret opens a dataset.
    Opens,
    /// A secret can be read on a host.
    On,
    /// A dataset is shared with a partner.
    SharedWith,
    /// A principal may read a dataset.
    Granted,
}

impl Relation {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Opens => "opens",
            Self::On => "on",
            Self::SharedWith => "shared-with",
            Self::Granted => "granted",
        }
    }
}

/// A span of time; an absent end is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// Look-ups on one state of the graph. Every list is in a fixed order.
pub trait Graph {
    /// How many entries are projected.
    fn size(&self) -> Result<u64, StoreError>;
    /// The thing of that name.
    fn find(&self, kind: Kind, name: &str) -> Result<Option<ThingId>, StoreError>;
    /// Every release of a project: its purls begin so.
    fn releases(&self, prefix: &str) -> Result<Vec<ThingId>, StoreError>;
    /// The name of a thing.
    fn name(&self, id: ThingId) -> Result<(Kind, String), StoreError>;
    /// All that is tainted when these are: what contains them, their files, what builds made of them, and so on. At most
    /// `limit` steps; one more means that there are more.
    fn closure(&self, seeds: &[ThingId], limit: usize) -> Result<Vec<Step>, StoreError>;
    /// The releases that a file is of.
    fn releases_of(&self, file: ThingId) -> Result<Vec<(ThingId, u64)>, StoreError>;
    /// Whether the contents of a file are recorded: by which entry.
    fn contents(&self, file: ThingId) -> Result<Option<u64>, StoreError>;
    /// Where in a file another one is.
    fn paths(&self, inside: ThingId, outer: ThingId) -> Result<Vec<String>, StoreError>;
    /// Who received it, in that span.
    fn pulls(&self, artifact: ThingId, span: Span) -> Result<Vec<Pull>, StoreError>;
    /// What a principal received, in that span.
    fn pulls_by(&self, principal: ThingId, span: Span) -> Result<Vec<Pull>, StoreError>;
    /// Where it was.
    fn presences(&self, artifact: ThingId) -> Result<Vec<Presence>, StoreError>;
    /// What made it.
    fn build(&self, output: ThingId) -> Result<Option<BuildRow>, StoreError>;
    /// Runs of that environment that overlap the span.
    fn runs_of(&self, environment: ThingId, span: Span) -> Result<Vec<RunRow>, StoreError>;
    /// Runs on that host that overlap the span.
    fn runs_on(&self, host: ThingId, span: Span) -> Result<Vec<RunRow>, StoreError>;
    /// Runs of that principal that overlap the span.
    fn runs_by(&self, principal: ThingId, span: Span) -> Result<Vec<RunRow>, StoreError>;
    /// Runs that were given or reached it and overlap the span, each with the entry that says so.
    fn runs_using(&self, thing: ThingId, span: Span) -> Result<Vec<(RunRow, u64)>, StoreError>;
    /// What a run was given and reached, with its kind and name.
    fn uses(&self, run: ThingId) -> Result<Vec<(ThingId, Kind, String, u64)>, StoreError>;
    /// Every name of that kind.
    fn names(&self, kind: Kind) -> Result<Vec<String>, StoreError>;
    /// The hosts that a principal speaks for and nobody else does, by name.
    fn own_hosts(&self, principal: ThingId) -> Result<Vec<String>, StoreError>;
    /// The hosts that a principal speaks for.
    fn hosts_of(&self, principal: ThingId) -> Result<Vec<(ThingId, u64)>, StoreError>;
    /// What is declared of that kind.
    fn assets(&self, kind: Kind) -> Result<Vec<AssetRow>, StoreError>;
    /// What a thing is declared to be related to.
    fn related(&self, from: ThingId, how: Relation) -> Result<Vec<(ThingId, u64)>, StoreError>;
    /// What is declared to be related to a thing.
    fn related_to(&self, to: ThingId, how: Relation) -> Result<Vec<(ThingId, u64)>, StoreError>;
    /// Entries that could not be read.
    fn unread(&self) -> Result<Vec<(u64, String)>, StoreError>;
    /// Received files whose contents are not recorded: how many, and the entries of the first few.
    fn unindexed(&self) -> Result<(u64, Vec<u64>), StoreError>;
    /// Every release that was received or is somewhere, by purl.
    fn inside(&self) -> Result<Vec<(ThingId, String)>, StoreError>;
    /// The files of a release, with the entry that says so.
    fn files_of(&self, release: ThingId) -> Result<Vec<(ThingId, u64)>, StoreError>;
    /// Which of an inside file's advisories were raised already.
    fn raised(&self, artifact: ThingId) -> Result<Vec<String>, StoreError>;
    /// Files here that an advisory names, with the advisory's id, whether it says malicious, and its sentence.
    fn marked(&self) -> Result<Vec<(ThingId, String, bool, String)>, StoreError>;
    /// What the newest rejudge refuses of a release: rule and sentence.
    fn refused(&self, artifact: ThingId) -> Result<Vec<(String, String)>, StoreError>;
    /// What the gates decided since that day (days since 1970): day, what (in, held, refused), how often.
    fn daily(&self, from: i64) -> Result<Vec<(i64, String, u64)>, StoreError>;
    /// Every alarm that was raised: release, advisory, entry; newest first.
    fn alarms(&self) -> Result<Vec<(String, String, u64)>, StoreError>;
    /// Environments of every host: host, environment, last scan, its entry.
    fn environments(&self) -> Result<Vec<(String, String, Timestamp, u64)>, StoreError>;
    /// What is in an environment at its last scan, as purls; files without a release by digest.
    fn installed(&self, host: &str, environment: &str) -> Result<Vec<Installed>, StoreError>;
    /// The digest of the last scan of an environment.
    fn scanned(&self, host: &str, environment: &str) -> Result<Option<bulkhead_core::Sha256>, StoreError>;
}

/// Every kind of declared thing that an asset is, and its name.
pub(super) fn of_asset(asset: &Asset) -> (Kind, &str) {
    match asset {
        Asset::Secret { name, .. } => (Kind::Secret, name),
        Asset::Dataset { name, .. } => (Kind::Dataset, name),
        Asset::Partner { name, .. } => (Kind::Partner, name),
        Asset::Grant { principal, .. } => (Kind::Principal, principal),
    }
}
