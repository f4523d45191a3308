pub(crate) mod info;
pub(crate) mod prune;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod stop;
