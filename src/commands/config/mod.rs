//! `config …`: the small files of an app.

pub(crate) mod get;
pub(crate) mod set;
