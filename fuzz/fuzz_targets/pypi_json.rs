//! The PyPI gate's parser for hostile JSON index pages.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead::gate::intake::ecosystem::pypi::fuzz_json(bytes));
