#![no_main]

#[path = "../bodies/app_archive.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::check(bytes));
