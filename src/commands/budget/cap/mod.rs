pub(crate) mod raise;
