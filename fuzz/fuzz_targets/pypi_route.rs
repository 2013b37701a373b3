//! The PyPI gate's parser for hostile request paths.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead::gate::intake::ecosystem::pypi::fuzz_route(bytes));
