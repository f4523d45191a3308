pub(crate) mod keyroll;
pub(crate) mod list;
pub(crate) mod ssh;
pub(crate) mod terminate;
