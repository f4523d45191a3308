pub(crate) mod list;
pub(crate) mod set;

mod checks;
mod groups;
mod rules;
mod together;
mod values;
