#![no_main]

use bulkhead::gate::intake::ecosystem::pypi::fuzz_route;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_route(bytes));
