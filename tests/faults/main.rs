//! What can go wrong between the program and a rack, made to go wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // these are tests

mod matrix;
mod support;
