//! What each fuzz target holds against its input. Shared by the targets and the corpora's tests.

pub(crate) mod env;
pub(crate) mod frames;
pub(crate) mod ignore;
pub(crate) mod json;
pub(crate) mod manifest;
pub(crate) mod pack;
pub(crate) mod session;
pub(crate) mod unpack;
pub(crate) mod words;

/// A target's body.
pub(crate) type Body = fn(&[u8]);

/// All targets: the name of its corpus, and its body.
pub(crate) const TARGETS: [(&str, Body); 9] = [
    ("env", env::check),
    ("frames", frames::check),
    ("ignore", ignore::check),
    ("json", json::check),
    ("manifest", manifest::check),
    ("pack", pack::check),
    ("session", session::check),
    ("unpack", unpack::check),
    ("words", words::check),
];
