#![no_main]

#[path = "../bodies/addresses.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::check(bytes));
