pub(crate) mod columns;
pub(crate) mod list;
pub(crate) mod restart;
pub(crate) mod triggers;
pub(crate) mod update;
