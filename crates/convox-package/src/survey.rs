//! Finding out what would be sent, without reading the files.

use std::cmp::Reverse;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::path::PathBuf;

use super::archive::open_root;
use super::error::{PackageError, Warning};
use super::header::{Entry, Kind};
use super::names;
use super::source::Source;
use super::spool::Times;
use super::walk::{Visitor, walk};

/// The number of files in [`Survey::largest`].
const MAX_LARGEST: usize = 10;

/// What an archive of a source would contain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The number of entries: files, directories, links, and FIFOs.
    pub entries: u64,
    /// The number of files.
    pub files: u64,
    /// The total size of the files in bytes, uncompressed.
    pub size: u64,
    /// The ten largest files, the largest first; files of the same size in lexical order.
    pub largest: Vec<LargeFile>,
    /// The paths that ignore rules leave out, in lexical order. A directory stands for everything
    /// in it, unless a `!` rule may include some of it: then its contents are listed instead.
    pub excluded: Vec<PathBuf>,
    /// The same warnings as those of the archive.
    pub warnings: Vec<Warning>,
}

/// A file that would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargeFile {
    /// Its path relative to the root.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

impl Source {
    /// Walks the directory and returns what would be sent. Reads no files, but may block on a slow
    /// disk for seconds.
    ///
    /// # Errors
    /// Fails if a directory cannot be read, or changes during the walk.
    pub fn survey(&self) -> Result<Survey, PackageError> {
        let root = open_root(self)?;
        let mut survey = Survey::default();
        survey.warnings = walk(self, root.as_fd(), Times::Own, &mut survey)?;
        Ok(survey)
    }
}

impl Visitor for &mut Survey {
    fn entry(&mut self, entry: Entry) -> ControlFlow<()> {
        self.entries += 1;
        if let Kind::File(version) = entry.kind {
            self.files += 1;
            self.size += version.size;
            self.rank(&entry.path, version.size);
        }
        ControlFlow::Continue(())
    }

    fn excluded(&mut self, path: &[u8]) {
        self.excluded.push(names::path(path));
    }
}

impl Survey {
    /// Adds a file to the largest ones, if it is one of them.
    fn rank(&mut self, path: &[u8], size: u64) {
        let rank = self.largest.partition_point(|file| Reverse(file.size) <= Reverse(size));
        if rank < MAX_LARGEST {
            self.largest.insert(rank, LargeFile { path: names::path(path), size });
            self.largest.truncate(MAX_LARGEST);
        }
    }
}
