#![no_main]

use bulkhead::gate::intake::ecosystem::pypi::fuzz_html;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_html(bytes));
