//! What an operator asks of a Bulkhead: the same requests whether a server runs (over its control socket) or not (the
//! command opens the data itself).
//!
//! One writer owns a data directory, because a ledger has one tail. So a command never opens the data of a running
//! server: it sends the request to it.

mod act;
mod egress;
mod explain;
mod exposure;
mod ledger;
mod lookup;
mod rejudge;
mod release;
mod reply;
mod run;
mod secret;
mod socket;
mod watch;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::estate::Submission;
use crate::exposure::Question;

pub use act::act;
pub use egress::{EgressJudged, EgressRefused};
pub use exposure::{Environment, Environments, Exposed, answer, bundle};
pub use lookup::{Looked, lookup};
pub use rejudge::{Failing, Holder, Rejudged};
pub use release::ReleaseProfile;
pub use reply::{
    Erased, ExceptionRow, ExplainedFile, Explanation, FeedRow, Feeds, Held, HeldItem, Imported, LedgerRow, LedgerRows,
    Loaded, Minted, PolicyInForce, Reviewed, RuleLine, TokenRow, Tokens, WitnessRow, WitnessRows,
};
pub use run::{Recorded, RunListed, RunRow, RunShown, Runs};
pub use secret::{SecretChange, SecretNoted};
pub use socket::{SOCKET, ask, listen};
pub use watch::{Alarm, Mark, Watched};

/// One request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// Why a release, a file or a verdict is judged as it is, and what would change it.
    Explain {
        /// A purl, a verdict id (`v12`) or a SHA-256.
        subject: String,
    },
    /// What is held or refused and waits for a person.
    ReviewList {
        /// Also what was released or rejected already.
        all: bool,
    },
    /// Let a release through in spite of a rule, until a day.
    ReviewRelease {
        /// A purl with a version.
        subject: String,
        /// The rule to except; every rule that holds it when absent.
        rule: Option<String>,
        /// Why.
        reason: String,
        /// Who answers for it.
        owner: String,
        /// Until when.
        expires: Timestamp,
    },
    /// Refuse a held release for good.
    ReviewReject {
        /// A purl with a version.
        subject: String,
        /// Why.
        reason: String,
        /// Who answers for it.
        owner: String,
    },
    /// Read the policy file again.
    PolicyReload,
    /// The policy in force, with its exceptions and whether each had an effect.
    PolicyShow,
    /// The newest entries.
    LedgerShow {
        /// How many.
        last: usize,
        /// Only entries about this release or project.
        about: Option<String>,
    },
    /// Make the projections anew from the entries.
    LedgerRebuild,
    /// Add a witness to the ledger's policy.
    WitnessAdd {
        /// What the policy calls it.
        name: String,
        /// Its public key.
        key: String,
        /// Its submission prefix.
        url: String,
        /// How many must cosign: `any`, `all` or a number; as it is when absent.
        quorum: Option<String>,
    },
    /// The ledger's witnesses and how they are doing.
    WitnessStatus,
    /// Take a time stamp over the published checkpoint now.
    LedgerTimestamp,
    /// Forget who a pseudonym stands for.
    SubjectErase {
        /// The name.
        subject: String,
        /// Why.
        reason: String,
    },
    /// Record what a run did. Sent by its supervisor.
    RunRecord {
        /// Which.
        run: bulkhead_core::RunId,
        /// Who runs it.
        principal: String,
        /// What to write.
        lines: Vec<crate::gate::runtime::record::RunLine>,
    },
    /// Everything that was recorded of a run.
    RunShow {
        /// Its id, or the beginning of it.
        id: String,
    },
    /// The newest runs.
    RunList {
        /// How many.
        last: usize,
    },
    /// What the policy says of runs' connections in general. Sent by a run's supervisor before it starts.
    EgressPolicy,
    /// May this run have that of the host? Sent by its supervisor for each connection.
    EgressJudge {
        /// Which run.
        run: bulkhead_core::RunId,
        /// Who runs it.
        principal: String,
        /// The host, in its one spelling.
        host: String,
        /// Its port.
        port: u16,
        /// What is wanted of it.
        wanted: crate::gate::egress::judge::Wanted,
    },
    /// A server starts: whoever holds the data directory for want of one lets go of it.
    MakeWay,
    /// Make a token.
    TokenCreate {
        /// The principal that it names.
        principal: String,
        /// Until when, when it ends by itself.
        expires: Option<Timestamp>,
        /// Whether it opens the console too.
        #[serde(default)]
        console: bool,
    },
    /// Every token, without its text.
    TokenList,
    /// End a token.
    TokenRevoke {
        /// Its id.
        id: String,
    },
    /// Import advisories.
    FeedImport {
        /// The folder, zip or file.
        path: std::path::PathBuf,
        /// The feed's name; the file's own when absent.
        name: Option<String>,
        /// Import the good records although some are not readable.
        skip_invalid: bool,
    },
    /// Every feed, with its digest and age.
    FeedList,
    /// Record that a secret is about to be added, replaced or removed. Its value never crosses the socket.
    SecretNote {
        /// `add`, `rotate`, `remove`, or `key`.
        change: SecretChange,
        /// The secret's name; empty for the key of all.
        name: String,
        /// Where it may go, as a sentence.
        use_for: String,
        /// Who does it.
        owner: String,
    },
    /// What advisories and the ledger say about releases.
    Lookup {
        /// Purls with versions.
        purls: Vec<String>,
    },
    /// Read everything that is kept once more under today's detectors and rules, and say who has what now fails.
    Rejudge,
    /// Read every file of a release, and explain it.
    ScanRelease {
        /// A purl with a version.
        subject: String,
    },
    /// What one file of a release can do: the profile that deltas compare.
    ReleaseProfile {
        /// A purl with a version.
        subject: String,
    },
    /// Record what is told about the estate.
    Tell {
        /// Who tells it.
        principal: String,
        /// What.
        submission: Box<Submission>,
    },
    /// What was exposed.
    Exposure {
        /// The question; who asks and when is set where it is answered.
        question: Box<Question>,
        /// Also the bundle that others verify.
        bundle: bool,
    },
    /// What inside is marked now and was not raised yet.
    Watch {
        /// Also what is vulnerable and not malicious.
        vulnerable: bool,
    },
    /// Record that these were raised.
    Raised {
        /// Which.
        alarms: Vec<Alarm>,
    },
    /// Every environment that was scanned.
    Environments,
    /// An environment as CycloneDX.
    InventoryExport {
        /// The host.
        host: String,
        /// The environment.
        environment: String,
    },
}

/// What came of a request: the facts, or the problem as it is printed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The facts; their shape is the request's own reply type.
    Facts(serde_json::Value),
    /// Why not.
    Problem {
        /// The stable code.
        code: String,
        /// What.
        title: String,
        /// Why.
        detail: String,
        /// What to do next.
        help: String,
    },
}
