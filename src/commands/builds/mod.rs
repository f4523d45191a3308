pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod logs;
