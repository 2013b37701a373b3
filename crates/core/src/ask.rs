//! What somebody wants to do: principal, action, resource, context (the terms of XACML and Cedar).

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Purl, RunId, Sha256};

/// The boundary at which an ask is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Between package clients and registries.
    Intake,
    /// Between a process and the machine.
    Runtime,
    /// Between programs and the network.
    Egress,
    /// Between people, runs, partners and training data.
    Vault,
    /// Bulkhead itself: policy loads, reviews, tokens. Nothing is served through it.
    Control,
}

impl Gate {
    /// Every gate, in the order of DESIGN.md.
    pub const ALL: [Self; 5] = [Self::Intake, Self::Runtime, Self::Egress, Self::Vault, Self::Control];

    /// The word used in policy files, entries and URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Runtime => "runtime",
            Self::Egress => "egress",
            Self::Vault => "vault",
            Self::Control => "control",
        }
    }

    /// The gate of that name, or nothing.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gate| gate.as_str() == word)
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is asked for. The words are append-only: entries hold them for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// See which releases of a project there are.
    List,
    /// Receive a file.
    Fetch,
    /// Receive the metadata that a file contains.
    Metadata,
    /// Put a policy in force.
    PolicyLoad,
    /// Release a held resource by review.
    ReviewRelease,
    /// Reject a held resource by review.
    ReviewReject,
    /// Create a token.
    TokenCreate,
    /// Revoke a token.
    TokenRevoke,
    /// Import a feed.
    FeedImport,
    /// Add a secret that runs may use.
    SecretAdd,
    /// Replace a secret's value.
    SecretRotate,
    /// Remove a secret.
    SecretRemove,
    /// Connect to a host.
    Connect,
    /// Send a request to a host.
    Request,
    /// Start or end a contained run.
    Run,
    /// Read a file, from inside a run.
    Read,
    /// Write a file, from inside a run.
    Write,
    /// Let a witness cosign the ledger.
    WitnessAdd,
    /// Forget who a pseudonym in the ledger stands for.
    SubjectErase,
    /// Take a compartment's checkpoint into the root log.
    Checkpoint,
    /// Judge what was served before once more, under today's rules.
    Rejudge,
    /// Say what a file contains, by path and digest.
    Contents,
    /// Say what is installed where.
    Inventory,
    /// Say what a build made of what.
    Build,
    /// Declare secrets, datasets, partners and how they hang together.
    Assets,
    /// Ask what was exposed.
    Exposure,
    /// Raise that something inside was marked.
    Alarm,
}

impl Action {
    /// The word used in policy files and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Fetch => "fetch",
            Self::Metadata => "metadata",
            Self::PolicyLoad => "policy-load",
            Self::ReviewRelease => "review-release",
            Self::ReviewReject => "review-reject",
            Self::TokenCreate => "token-create",
            Self::TokenRevoke => "token-revoke",
            Self::FeedImport => "feed-import",
            Self::SecretAdd => "secret-add",
            Self::SecretRotate => "secret-rotate",
            Self::SecretRemove => "secret-remove",
            Self::Connect => "connect",
            Self::Request => "request",
            Self::Run => "run",
            Self::Read => "read",
            Self::Write => "write",
            Self::WitnessAdd => "witness-add",
            Self::SubjectErase => "subject-erase",
            Self::Checkpoint => "checkpoint",
            Self::Rejudge => "rejudge",
            Self::Contents => "contents",
            Self::Inventory => "inventory",
            Self::Build => "build",
            Self::Assets => "assets",
            Self::Exposure => "exposure",
            Self::Alarm => "alarm",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who asks. On loopback without a token this is `local`; otherwise the name that the token was created for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Principal(String);

impl Principal {
    /// The principal of a request on loopback that carries no token.
    pub const LOCAL: &'static str = "local";

    /// A principal of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The principal of an unauthenticated request on loopback.
    pub fn local() -> Self {
        Self(Self::LOCAL.to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the ask is about. What is not known is absent, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Resource {
    /// The package release, or the project when it has no version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<Purl>,
    /// The file name within the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// SHA-256 of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Sha256>,
    /// The host and port that a program reaches: `api.example.test:443`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// Around the ask: which run, for what, with which client, from where.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Context {
    /// The contained run that asks, when there is one: the join key of exposure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The stated purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The client's user agent, cut to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The client's address, without the port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// One ask, as every gate makes it after parsing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ask {
    /// The gate that parsed it.
    pub gate: Gate,
    /// Who asks.
    pub principal: Principal,
    /// What is asked for.
    pub action: Action,
    /// What it is about.
    pub resource: Resource,
    /// Around it.
    #[serde(default)]
    pub context: Context,
}
