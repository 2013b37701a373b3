#![no_main]

use bulkhead::gate::intake::ecosystem::pypi::fuzz_json;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_json(bytes));
