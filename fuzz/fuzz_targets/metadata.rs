//! METADATA and PKG-INFO: see `bulkhead_detect::fuzz::metadata`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead_detect::fuzz::metadata(bytes));
