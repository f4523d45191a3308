pub(crate) mod create_from;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod manifest;
pub(crate) mod promote;
pub(crate) mod rollback;
