//! What can go wrong between the program and a rack, made to go wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // these are tests

mod budget;
mod logs;
mod matrix;
mod support;
mod tls;
mod uploads;
