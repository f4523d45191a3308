//! The checks of each fuzz target. Shared by the targets and the tests of the corpora.

pub(crate) mod build_archive;
pub(crate) mod env;
pub(crate) mod frames;
pub(crate) mod ignore;
pub(crate) mod json;
pub(crate) mod manifest;
pub(crate) mod pack;
pub(crate) mod session;
pub(crate) mod unpack;
pub(crate) mod words;

/// The body of a target.
pub(crate) type Body = fn(&[u8]);

/// All targets: the names of their corpora, and their bodies.
pub(crate) const TARGETS: [(&str, Body); 10] = [
    ("build_archive", build_archive::check),
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
