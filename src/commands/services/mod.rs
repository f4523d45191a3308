mod columns;
pub(crate) mod list;
