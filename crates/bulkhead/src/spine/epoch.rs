//! The number of the state that verdicts depend on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts every change that may change a verdict: a policy load, a review, a feed import. Whatever is cached from verdicts
/// carries the number from before its facts were gathered, and holds under that number only.
///
/// Who changes what verdicts rest on makes the change visible first and then advances: an ask that reads the new number
/// sees the change, and one that read the old one can leave nothing behind. Cloning shares the count.
#[derive(Debug, Clone, Default)]
pub struct Epoch(Arc<AtomicU64>);

impl Epoch {
    /// The number now.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Says that what verdicts rest on has changed.
    pub fn advance(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
