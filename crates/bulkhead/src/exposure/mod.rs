//! What exactly was exposed: the walk from a release or file to pulls, builds, hosts and runs in the window, and from
//! those to secrets, datasets, partners and people.
//!
//! An answer is a function of the question and of the ledger's first entries, nothing else: whoever has those entries
//! computes the same answer, byte for byte. So the walk reads [`crate::store::graph`] only, and no clock.

mod answer;
pub mod bundle;
mod gaps;
mod people;
pub mod picture;
mod question;
mod report;
pub mod verify;
mod walk;
mod zip;

#[cfg(test)]
mod tests;

pub(crate) use bundle::cosigners;

pub use answer::{Answer, Edge, Gap, Grade, Row, Stage, Totals};
pub use question::{Question, Subject};
pub use walk::walk;
