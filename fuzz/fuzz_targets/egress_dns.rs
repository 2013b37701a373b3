//! The egress gate's name server.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead::gate::egress::fuzz_dns(bytes));
