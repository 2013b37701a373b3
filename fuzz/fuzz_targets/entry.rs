//! An entry of the ledger: see `bulkhead_ledger::fuzz::entry`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead_ledger::fuzz::entry(bytes));
