//! Shell, `cmd` and PowerShell text: see `bulkhead_detect::fuzz::shell`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead_detect::fuzz::shell(bytes));
