//! Faults between the program and a rack: lost requests and responses, outages, certificates.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests too
#![allow(missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod budget;
mod console;
mod logs;
mod matrix;
mod proxies;
mod sessions;
mod tls;
mod transfers;
mod uploads;
