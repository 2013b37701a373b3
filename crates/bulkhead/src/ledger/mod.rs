//! Around the ledger: other servers that hold it or vouch for it, and the forms in which it leaves.
//!
//! The ledger itself, its formats and its verification are the crate `bulkhead-ledger`, which knows no network.

pub mod ocsf;
pub mod remote_log;
pub mod subject;
pub mod timestamp;
pub mod witness;
