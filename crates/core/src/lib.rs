//! The pure vocabulary of Bulkhead and its policy: no I/O, no async, no clock.
//!
//! Every gate turns client bytes into an [`Ask`], gathers [`Facts`], lets [`policy::Policy`] decide, and acts
//! only on the [`Verdict`]. This crate holds those nouns and the decision; it never learns how a fact was obtained
//! and never reads the time: `now` is an argument wherever it matters (invariant 7).

mod ask;
mod digest;
mod fact;
mod id;
pub mod policy;
mod problem;
mod purl;
mod secret;
mod time;
mod verdict;

pub use ask::{Action, Ask, Context, Gate, Principal, Resource};
pub use digest::{DigestError, Sha256};
pub use fact::{Confidence, Facts, Finding, FindingContext, Location, Severity, Unknown, Value};
pub use id::{EntryIndex, IdError, RunId, VerdictId};
pub use problem::{Blame, Code, Problem};
pub use purl::{Ecosystem, Purl, PurlError};
pub use secret::Secret;
pub use time::{Duration, DurationError};
pub use verdict::{Effect, Reason, Verdict};
