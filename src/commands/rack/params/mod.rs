pub(crate) mod list;
pub(crate) mod set;

mod checks;
mod groups;
mod json;
mod karpenter;
mod names;
mod prometheus;
mod router;
mod steps;
#[cfg(test)]
mod tests;
mod together;
mod v2;
mod values;
