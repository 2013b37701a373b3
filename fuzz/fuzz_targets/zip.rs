//! The zip reader and every detector behind it: see `bulkhead_detect::fuzz::zip`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead_detect::fuzz::zip(bytes));
