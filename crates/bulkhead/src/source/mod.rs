//! Sources: what can be learned from metadata. One file each: a source takes typed inputs and sets attributes of
//! [`bulkhead_core::policy::schema`], or notes an Unknown. It never guesses (invariant 4), and `now` is an argument.

pub mod advisory;
pub mod age;
pub mod dependency;
pub mod feed;
pub mod floor;
pub mod lookalike;
pub mod osv;
pub mod read;
pub mod reserved;
pub mod seed;
pub mod status;

#[cfg(test)]
mod tests;
