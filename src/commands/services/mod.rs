pub(crate) mod list;
mod parts;
