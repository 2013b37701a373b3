//! Python sources: see `bulkhead_detect::fuzz::python`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead_detect::fuzz::python(bytes));
