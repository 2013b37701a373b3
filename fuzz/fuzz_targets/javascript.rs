//! JavaScript and TypeScript: see `bulkhead_detect::fuzz::javascript`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead_detect::fuzz::javascript(bytes));
