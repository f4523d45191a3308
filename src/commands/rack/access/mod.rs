pub(crate) mod key_rotate;
pub(crate) mod token;
