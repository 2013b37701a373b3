//! The PyPI gate's parser for hostile HTML index pages.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead::gate::intake::ecosystem::pypi::fuzz_html(bytes));
