//! A folder becomes an archive, and an archive becomes a folder.
//!
//! [`Source::open`] checks a directory once; [`spool`] packs it on all cores into an unlinked
//! temporary file that can be read while it still grows; [`unpack::unpack`] does the reverse for
//! archives that nobody vouches for. The archive is a GNU tar inside a gzip of several members,
//! which Go, GNU tar, busybox and Python read. What is left out follows `.dockerignore` as
//! Docker's documentation describes it (see [`ignore`]).

mod archive;
mod block;
mod error;
mod header;
pub mod ignore;
mod links;
mod manifest;
mod names;
mod open;
mod source;
mod spool;
mod texts;
pub mod unpack;
mod walk;
mod yaml;

#[cfg(test)]
mod tests;

pub use archive::spool;
pub use error::{PackageError, Warning};
pub use manifest::{ManifestChoice, ManifestFile};
pub use source::Source;
pub use spool::{Packed, Spool, Times};
