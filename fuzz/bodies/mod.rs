//! The checks of each fuzz target. Shared by the targets and the tests of the corpora.

pub(crate) mod addresses;
pub(crate) mod app_archive;
pub(crate) mod build_archive;
pub(crate) mod env;
pub(crate) mod frames;
pub(crate) mod ignore;
pub(crate) mod json;
pub(crate) mod manifest;
pub(crate) mod pack;
pub(crate) mod session;
pub(crate) mod session_frames;
pub(crate) mod unpack;
pub(crate) mod unpack_tar;
pub(crate) mod words;

/// The body of a target.
pub(crate) type Body = fn(&[u8]);

/// All targets: the names of their corpora, and their bodies.
pub(crate) const TARGETS: [(&str, Body); 14] = [
    ("addresses", addresses::check),
    ("app_archive", app_archive::check),
    ("build_archive", build_archive::check),
    ("env", env::check),
    ("frames", frames::check),
    ("ignore", ignore::check),
    ("json", json::check),
    ("manifest", manifest::check),
    ("pack", pack::check),
    ("session", session::check),
    ("session_frames", session_frames::check),
    ("unpack", unpack::check),
    ("unpack_tar", unpack_tar::check),
    ("words", words::check),
];
