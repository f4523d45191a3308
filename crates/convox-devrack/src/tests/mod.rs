//! Tests of the whole rack in process: HTTP clients on one side, real processes on the other.

pub(crate) mod apps;
mod connections;
mod contract;
mod disk;
mod lists;
mod promotes;
mod sockets;
mod story;
pub(crate) mod support;
