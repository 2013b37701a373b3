//! The gzip and tar readers: see `bulkhead_detect::fuzz::tar`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead_detect::fuzz::tar(bytes));
