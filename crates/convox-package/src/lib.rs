//! Packs a source directory into an archive, and unpacks archives safely.
//!
//! [`Source::open`] checks a directory. [`spool`] packs it on all cores into a temporary file that
//! can be read while it still grows; [`Source::survey`] only finds out what would be in it.
//! [`unpack::unpack`] unpacks archives from untrusted senders.
//!
//! The archive is a GNU tar in a gzip of several members, which Go, GNU tar, busybox, and Python
//! read. What is left out follows `.dockerignore`, as Docker's documentation describes it; see
//! [`ignore`]. The files that a build needs are always sent: the manifest (`convox.yml` or
//! `docker-compose.yml`), the ignore file, and the Dockerfiles.
//!
//! # Examples
//!
//! ```
//! use std::fs::File;
//! use std::io::Write;
//!
//! use convox_package::unpack::{self, Limits};
//! use convox_package::{Source, Times, spool};
//! use futures_util::TryStreamExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let place = tempfile::tempdir()?;
//! # let (dir, archive) = (place.path().join("app"), place.path().join("app.tgz"));
//! # let copy = place.path().join("copy");
//! # std::fs::create_dir(&dir)?;
//! # std::fs::write(dir.join("convox.yml"), "services: {}\n")?;
//! // Pack a directory into a file.
//! let source = Source::open(&dir, None)?;
//! let spool = spool(&source, Times::Own, &std::env::temp_dir())?;
//! let mut file = File::create(&archive)?;
//! let mut stream = std::pin::pin!(spool.stream());
//! while let Some(bytes) = stream.try_next().await? {
//!     file.write_all(&bytes)?;
//! }
//! let packed = spool.finished().await?;
//! assert_eq!(packed.entries, 1);
//!
//! // Unpack it into another directory.
//! let unpacked = unpack::unpack(File::open(&archive)?, &copy, &Limits::default())?;
//! assert_eq!(unpacked.entries, 1);
//! # Ok(())
//! # }
//! ```

mod archive;
mod block;
mod error;
pub mod header;
pub mod ignore;
mod links;
mod manifest;
mod names;
mod open;
mod read_file;
mod source;
mod spool;
mod survey;
mod system_error;
pub mod unpack;
mod version;
mod walk;
mod yaml;

#[cfg(test)]
mod tests;

pub use archive::spool;
pub use error::{PackageError, Role, Warning};
pub use manifest::{ManifestChoice, ManifestFile, ServiceTest, service_tests};
pub use source::Source;
pub use spool::{PackProgress, Packed, Spool, Times};
pub use survey::{LargeFile, Survey};
pub use system_error::SystemError;
