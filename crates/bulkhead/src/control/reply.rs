//! The facts that requests answer with, as they cross the control socket and as `--format json` prints them.

use bulkhead_core::{Effect, Facts, Reason};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a release is judged as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Explanation {
    /// What was asked about.
    pub subject: String,
    /// SHA-256 of the policy that judged.
    pub policy: String,
    /// `allow`, `hold`, ... of the mildest file: what a client can get at all.
    pub effect: Effect,
    /// The refusing rule as a code, `intake-cooldown`; absent when allowed.
    pub code: Option<String>,
    /// What, in one line.
    pub title: String,
    /// Why.
    pub detail: String,
    /// What to do next.
    pub help: String,
    /// The id of the entry that is explained, when the subject is one.
    pub verdict: Option<String>,
    /// Each file of the release.
    pub files: Vec<ExplainedFile>,
}

/// One file of the release.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExplainedFile {
    /// Its name.
    pub file: String,
    /// Its SHA-256, when the index gives one.
    pub digest: Option<String>,
    /// What happens to it.
    pub effect: Effect,
    /// Every rule that matched.
    pub reasons: Vec<Reason>,
    /// The facts.
    pub facts: Facts,
    /// Every rule of the gate.
    pub rules: Vec<RuleLine>,
    /// When time alone changes the verdict: the moment.
    pub changes_at: Option<Timestamp>,
    /// What would change the verdict, in sentences.
    pub would_change: Vec<String>,
}

/// One rule and whether it matched.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleLine {
    /// The rule's id.
    pub rule: String,
    /// What it asks for.
    pub effect: Effect,
    /// Whether it matched.
    pub matched: bool,
    /// Its condition.
    pub when: String,
}

/// What waits for a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Held {
    /// One item for each file and rule.
    pub items: Vec<HeldItem>,
}

/// One file that was refused, and how often.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeldItem {
    /// The release.
    pub purl: String,
    /// The file.
    pub file: Option<String>,
    /// hold or deny.
    pub effect: Effect,
    /// The rule.
    pub rule: String,
    /// Its sentence.
    pub reason: String,
    /// How many entries say so.
    pub asked: u64,
    /// The first of them.
    pub first: Timestamp,
    /// The newest.
    pub last: Timestamp,
    /// Who asked.
    pub principals: Vec<String>,
    /// The newest entry's id.
    pub verdict: String,
    /// `waiting`, `released` or `rejected`.
    pub state: String,
}

/// A review that was recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reviewed {
    /// The release.
    pub purl: String,
    /// The rules that are excepted; empty for a rejection.
    pub rules: Vec<String>,
    /// Until when.
    pub expires: Option<Timestamp>,
    /// The entry.
    pub entry: u64,
}

/// A policy that was put in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Loaded {
    /// SHA-256 of the file.
    pub policy: String,
    /// How many rules.
    pub rules: usize,
    /// The entry.
    pub entry: u64,
}

/// The policy in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyInForce {
    /// SHA-256 of the file.
    pub policy: String,
    /// The entry that recorded the load.
    pub entry: u64,
    /// Every rule.
    pub rules: Vec<RuleLine>,
    /// Every exception of the file.
    pub exceptions: Vec<ExceptionRow>,
}

/// One exception of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExceptionRow {
    /// Its id.
    pub id: String,
    /// The rule that it takes the weight from.
    pub rule: String,
    /// For what.
    pub subject: String,
    /// Who answers for it.
    pub owner: String,
    /// Until when.
    pub expires: Timestamp,
    /// `in use`, `matched nothing since the load` or `expired`.
    pub state: String,
}

/// Entries, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LedgerRows {
    /// The log's origin line.
    pub origin: String,
    /// How many entries there are.
    pub size: u64,
    /// The rows.
    pub entries: Vec<LedgerRow>,
}

/// One entry, in short, and whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LedgerRow {
    /// Its index.
    pub index: u64,
    /// The entry as it stands in the ledger.
    pub entry: serde_json::Value,
}

/// A token as it is shown once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Minted {
    /// Its id, for `token revoke`.
    pub id: String,
    /// The principal.
    pub principal: String,
    /// Its text. Shown once: only its hash is kept.
    pub token: String,
    /// Until when.
    pub expires: Option<Timestamp>,
}

/// Every token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tokens {
    /// The rows.
    pub tokens: Vec<TokenRow>,
}

/// One token, without its text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenRow {
    /// Its id.
    pub id: String,
    /// The principal.
    pub principal: String,
    /// When it was made.
    pub created: Timestamp,
    /// Until when.
    pub expires: Option<Timestamp>,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// What an import did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Imported {
    /// The feed.
    pub feed: FeedRow,
    /// Records that were withdrawn and left out.
    pub withdrawn: u64,
    /// Records for ecosystems that Bulkhead does not judge.
    pub foreign: u64,
    /// Records that could not be read, with why.
    pub invalid: Vec<String>,
}

/// Every feed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Feeds {
    /// The rows.
    pub feeds: Vec<FeedRow>,
}

/// One feed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeedRow {
    /// Its name.
    pub name: String,
    /// SHA-256 over what was imported.
    pub digest: String,
    /// How many records it has.
    pub records: u64,
    /// When it was imported.
    pub imported: Timestamp,
    /// The newest record's own time.
    pub newest: Option<Timestamp>,
    /// Seconds since the import.
    pub age: i64,
    /// Whether it is past `settings.feed_max_age`.
    pub stale: bool,
}

/// The ledger's witnesses.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WitnessRows {
    /// The policy's file.
    pub file: String,
    /// Why the file is not in force.
    pub refused: Option<String>,
    /// Entries that the newest signed checkpoint covers.
    pub signed: u64,
    /// Entries that the published checkpoint covers.
    pub published: u64,
    /// Whether the published checkpoint has a quorum under the policy as it stands.
    pub quorum: bool,
    /// The rows.
    pub witnesses: Vec<WitnessRow>,
}

/// One witness.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WitnessRow {
    /// What the policy calls it.
    pub name: String,
    /// Its key.
    pub key: String,
    /// Its submission prefix.
    pub url: Option<String>,
    /// The size of the last checkpoint that it cosigned since the server started.
    pub cosigned: Option<u64>,
    /// When, by its own clock.
    pub at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// A person was forgotten.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Erased {
    /// What entries call them, now and for ever.
    pub pseudonym: String,
    /// The machines that are forgotten with them: those that nobody else reported.
    pub hosts: Vec<String>,
    /// The places of environments that are.
    pub environments: Vec<String>,
    /// The entry that says so.
    pub entry: u64,
}
