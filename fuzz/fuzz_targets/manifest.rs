//! Manifests: see `bulkhead_detect::fuzz::manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead_detect::fuzz::manifest(bytes));
