//! What becomes of a development rack with hostile neighbors: other users, links where it writes,
//! full disks, few descriptors, clients that do nothing, and services that print without end.
//!
//! As root, each test also runs as an ordinary user.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // helpers of tests too
#![allow(missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod account;
mod clients;
mod disks;
mod places;
mod starts;
