pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod stop;
