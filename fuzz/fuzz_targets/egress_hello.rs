//! The egress gate's reader of TLS hellos.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead::gate::egress::fuzz_hello(bytes));
