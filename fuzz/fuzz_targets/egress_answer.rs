//! The egress gate's reader of new credentials in answers.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead::gate::egress::fuzz_answer(bytes));
