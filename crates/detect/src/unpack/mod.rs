//! Strict readers: bytes in, members and structural flaws out. Each stops at the limits and survives anything.

mod collect;
mod fault;
mod gzip;
mod inflate;
pub(crate) mod path;
pub(crate) mod tar;
pub(crate) mod zip;

pub(crate) use collect::Collector;
