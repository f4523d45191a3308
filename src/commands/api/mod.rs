//! `api …`: requests to the rack's API as they are.

pub(crate) mod get;
