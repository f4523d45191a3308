//! `resources db …`: databases of v2 racks (hidden).

pub(crate) mod delete;
