//! A rack on this machine: builds and runs apps as local processes, with no cloud account.

pub mod builder;
pub mod gateway;
pub mod manifest;
pub mod runner;
