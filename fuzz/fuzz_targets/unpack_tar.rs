#![no_main]

#[path = "../bodies/unpack_tar.rs"]
mod body;

#[allow(dead_code)]
#[path = "../bodies/unpack.rs"]
mod unpack;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::check(bytes));
