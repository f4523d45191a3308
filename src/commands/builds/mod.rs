pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod import_image;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod logs;
