//! The whole rack in process: a client on a real socket on one side, real processes on the other.

mod contract;
mod lists;
mod promotes;
mod sockets;
mod story;
pub(crate) mod support;
