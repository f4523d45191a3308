pub(crate) mod edit;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod mask;
pub(crate) mod set;
pub(crate) mod unset;
