//! Pickles: see `bulkhead_detect::fuzz::pickle`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead_detect::fuzz::pickle(bytes));
