//! Lockfiles: see `bulkhead::scan::fuzz_lock`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead::scan::fuzz_lock(bytes));
