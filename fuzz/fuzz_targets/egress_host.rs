//! The egress gate's reader of host names.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead::gate::egress::fuzz_host(bytes));
