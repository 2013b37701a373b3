//! Rust files: see `bulkhead_detect::fuzz::rust`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead_detect::fuzz::rust(bytes));
