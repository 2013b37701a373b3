//! Proof, as a type, that policy was asked and that the ledger has the answer.

use bulkhead_core::{EntryIndex, VerdictId};
use serde::{Deserialize, Serialize};

/// The durable entry behind a permit or a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    entry: EntryIndex,
}

impl Receipt {
    /// Only the spine makes one, from an index that the ledger gave after the entry was durable.
    pub(in crate::spine) fn new(entry: EntryIndex) -> Self {
        Self { entry }
    }

    /// The entry.
    pub fn entry(self) -> EntryIndex {
        self.entry
    }

    /// The id that people pass to `bulkhead explain`.
    pub fn verdict_id(self) -> VerdictId {
        VerdictId(self.entry)
    }
}

/// Leave to let `T` through a gate.
///
/// A permit exists only after the ledger has the entry durably, and only the spine makes one (invariants 1 and 2). A
/// function that lets something through takes a `Permit<T>`, so that skipping policy or the record does not compile:
///
/// ```compile_fail,E0451
/// use bulkhead::spine::{Permit, Receipt};
/// fn forge(receipt: Receipt) -> Permit<&'static str> {
///     Permit { thing: "bytes that nobody judged", receipt }
/// }
/// ```
///
/// Neither does making one by a function from outside the spine:
///
/// ```compile_fail,E0624
/// use bulkhead::spine::{Permit, Receipt};
/// fn forge(receipt: Receipt) -> Permit<&'static str> {
///     Permit::new("bytes that nobody judged", receipt)
/// }
/// ```
///
/// nor a receipt for an entry that the ledger never gave:
///
/// ```compile_fail,E0624
/// use bulkhead::spine::Receipt;
/// let receipt = Receipt::new(bulkhead_core::EntryIndex(7));
/// ```
///
/// The same code with a permit that the spine gave is what a gate writes (this one compiles, so the refusals above fail
/// for the reason that they name):
///
/// ```
/// use bulkhead::spine::{Permit, Receipt};
/// fn serve(permit: Permit<&'static str>) -> (&'static str, Receipt) {
///     permit.redeem()
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit that is not redeemed lets nothing through"]
pub struct Permit<T> {
    thing: T,
    receipt: Receipt,
}

impl<T> Permit<T> {
    pub(in crate::spine) fn new(thing: T, receipt: Receipt) -> Self {
        Self { thing, receipt }
    }

    /// Uses the permit up: the thing, and the receipt that covers it.
    pub fn redeem(self) -> (T, Receipt) {
        (self.thing, self.receipt)
    }

    /// The same leave for another form of the thing: a blob opened, a page compressed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Permit<U> {
        Permit { thing: change(self.thing), receipt: self.receipt }
    }

    /// The receipt.
    pub fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// What is said of the permit to another process: the supervisor of a run asks the one that holds the ledger.
    pub fn tell(&self) -> Told {
        Told { entry: self.receipt.entry.0 }
    }
}

impl Permit<()> {
    /// The permit that the spine of the process that holds the ledger gave. There is no [`Told`] but what a permit was made
    /// into, on this side of the control socket or on the other.
    pub(crate) fn told(told: Told) -> Self {
        Self::new((), Receipt::new(EntryIndex(told.entry)))
    }
}

/// A permit on its way from the process that holds the ledger to the one that asked.
///
/// ```compile_fail,E0451
/// let told = bulkhead::spine::Told { entry: 7 };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    entry: u64,
}
