//! The tamper-evident ledger, in formats that programs other than this one read and verify.
//!
//! Every verdict becomes an [`Entry`]. The [`Sequencer`] gives it an index and makes it durable before anything is
//! permitted, then integrates it into a Merkle tree and signs the tree's head. A [`Log`] serves the result as the static
//! resources of C2SP tlog-tiles; [`verify`] checks a whole log with nothing but its [`VerifierKey`].
//!
//! One specification a file: [`merkle`] (RFC 6962), [`note`], [`checkpoint`], [`tile`], [`proof`],
//! [`cosign`], [`policy`], [`witness`] (C2SP). The form on
//! disk and what it does and does not prove stand in `docs/ledger-format.md`.

pub mod backend;
pub mod checkpoint;
pub mod compartment;
pub mod cosign;
mod edge;
pub mod entry;
mod error;
#[cfg(test)]
mod fixture;
#[doc(hidden)]
pub mod fuzz;
mod hash;
pub mod head;
pub mod key;
mod log;
pub mod merkle;
pub mod mirror;
pub mod note;
pub mod policy;
pub mod proof;
mod segment;
mod sequencer;
pub mod tile;
pub mod timestamp;
pub mod trust;
pub mod verify;
pub mod witness;

pub use checkpoint::Checkpoint;
pub use cosign::{Cosigned, WitnessKey};
pub use entry::{Entry, EntryError, EntryTime, Withheld};
pub use error::LedgerError;
pub use hash::sha256;
pub use key::{KeyError, Origin, SigningKey, VerifierKey};
pub use log::{Entries, EntriesAhead, Log, Served, UNWITNESSED};
pub use policy::WitnessPolicy;
pub use proof::TlogProof;
pub use sequencer::{Done, Health, OnDurable, Options, Recovered, Sequencer};
pub use trust::{Trust, Trusted};
