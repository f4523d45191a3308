pub(crate) mod machines;
