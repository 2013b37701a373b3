//! One ledger entry as the projections see it.

use bulkhead_core::{Action, Context, Effect, EntryIndex, Gate, Principal, Reason, Resource};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One ledger entry, reduced to what projections need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRow {
    /// Its index in the ledger.
    pub index: EntryIndex,
    /// When it was recorded.
    pub time: Timestamp,
    /// The gate that judged.
    pub gate: Gate,
    /// Who asked.
    pub principal: Principal,
    /// What was asked for.
    pub action: Action,
    /// What it was about.
    pub resource: Resource,
    /// The verdict's effect.
    pub effect: Effect,
    /// The verdict's reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// The digest of the policy that was in force, as the entry spells it.
    pub policy: String,
    /// Around the ask; holds the run.
    #[serde(default)]
    pub context: Context,
    /// The upload time of the file, when the entry says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded: Option<Timestamp>,
    /// What a reviewer decided, in entries of the actions `review-release` and `review-reject`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewNote>,
}

/// A reviewer's words, as the control entry holds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewNote {
    /// Who answers for the decision.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The one rule that it is about; absent, it is about every rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Until when a release holds. Invariant 9 wants one; a rejection has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A version that the estate has received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedVersion {
    /// The version, as the registry spells it.
    pub version: String,
    /// The newest upload time among its served files, when one is known.
    pub uploaded: Option<Timestamp>,
    /// When a file of it was served last.
    pub last_served: Timestamp,
    /// How many entries served a file of it.
    pub count: u64,
}
