//! Instructions in Markdown: see `bulkhead_detect::fuzz::markdown`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead_detect::fuzz::markdown(bytes));
