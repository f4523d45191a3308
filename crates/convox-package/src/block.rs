//! Splitting the archive into blocks that are filled and compressed in parallel.
//!
//! The boundaries depend on the entries alone, so the same tree gives the same bytes on any number
//! of cores. A block only lists its contents; the worker that fills it reads the files.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::error::PackageError;
use super::header::{Entry, Kind, RECORD, padding};
use super::open::open_below;
use super::source::Source;
use super::version::FileVersion;

/// A block is closed once it holds this many bytes of tar.
pub(super) const BLOCK: usize = 1 << 20;

/// A part of the archive that becomes one gzip member.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// Its index in the archive, from 0.
    pub(super) number: u64,
    pieces: Vec<Piece>,
    length: usize,
}

#[derive(Debug)]
enum Piece {
    Header(Entry),
    Content(Content),
    /// The two empty records that end an archive.
    End,
}

/// A range of a file.
#[derive(Debug)]
struct Content {
    path: Arc<[u8]>,
    offset: u64,
    length: usize,
    /// The file as the walk saw it.
    version: FileVersion,
    /// The number of zeros that follow, if this is the end of the file.
    padding: usize,
}

/// Splits a sequence of entries into blocks, and passes each full block on.
pub(super) struct BlockSplitter<F> {
    block: Block,
    emit: F,
    entries: u64,
}

impl<F: FnMut(Block) -> ControlFlow<()>> BlockSplitter<F> {
    pub(super) fn new(emit: F) -> Self {
        Self { block: Block::default(), emit, entries: 0 }
    }

    /// Adds an entry. Breaks if blocks are no longer accepted.
    pub(super) fn add(&mut self, entry: Entry) -> ControlFlow<()> {
        self.entries += 1;
        let content = match entry.kind {
            Kind::File(version) => Some((Arc::clone(&entry.path), version)),
            _ => None,
        };
        self.push(entry.header_length(), Piece::Header(entry))?;
        match content {
            Some((path, version)) => self.add_content(&path, version),
            None => ControlFlow::Continue(()),
        }
    }

    fn add_content(&mut self, path: &Arc<[u8]>, version: FileVersion) -> ControlFlow<()> {
        let mut offset = 0;
        loop {
            let available = BLOCK - self.block.length;
            let left = usize::try_from(version.size - offset).unwrap_or(usize::MAX);
            let length = left.min(available);
            let last = length == left;
            let padding = if last { padding(length) } else { 0 };
            let content = Content { path: Arc::clone(path), offset, length, version, padding };
            self.push(length + padding, Piece::Content(content))?;
            if last {
                return ControlFlow::Continue(());
            }
            offset += length as u64;
        }
    }

    fn push(&mut self, length: usize, piece: Piece) -> ControlFlow<()> {
        self.block.pieces.push(piece);
        self.block.length += length;
        if self.block.length < BLOCK {
            return ControlFlow::Continue(());
        }
        let next = Block { number: self.block.number + 1, ..Block::default() };
        (self.emit)(std::mem::replace(&mut self.block, next))
    }

    /// Ends the archive. Returns the number of blocks and of entries.
    pub(super) fn finish(mut self) -> (u64, u64) {
        self.block.pieces.push(Piece::End);
        self.block.length += 2 * RECORD;
        let blocks = self.block.number + 1;
        // a receiver that is gone shows in the spool
        let _ = (self.emit)(self.block);
        (blocks, self.entries)
    }
}

impl Block {
    /// Replaces the contents of `archive` with the block's bytes. `root` is the source's root.
    pub(super) fn fill(
        &self,
        archive: &mut Vec<u8>,
        root: BorrowedFd<'_>,
        source: &Source,
    ) -> Result<(), PackageError> {
        archive.clear();
        archive.reserve_exact(self.length);
        for piece in &self.pieces {
            match piece {
                Piece::Header(entry) => entry.write_header(archive),
                Piece::End => archive.resize(archive.len() + 2 * RECORD, 0),
                Piece::Content(content) => content
                    .append(archive, root)
                    .map_err(|e| source.unreadable(&content.path, e))?,
            }
        }
        Ok(())
    }
}

impl Content {
    /// Appends the content, or fails with `NotFound` if the file has changed since the walk: then
    /// its header is already wrong, and parts of a large file may be older than others.
    fn append(&self, archive: &mut Vec<u8>, root: BorrowedFd<'_>) -> io::Result<()> {
        let mut file = self.open(root)?;
        let start = archive.len();
        archive.resize(start + self.length + self.padding, 0);
        let buffer = &mut archive[start..start + self.length];
        let read = match self.offset {
            0 => file.read_exact(buffer),
            offset => file.read_exact_at(buffer, offset),
        };
        if FileVersion::of(&rustix::fs::fstat(&file)?) != self.version {
            return Err(io::ErrorKind::NotFound.into());
        }
        read
    }

    /// Opens the file. If something else has taken its place, a symlink is not followed and a FIFO
    /// does not block.
    fn open(&self, root: BorrowedFd<'_>) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match open_below(root, &self.path, flags) {
            Ok(file) => Ok(File::from(file)),
            Err(Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => Err(io::ErrorKind::NotFound.into()),
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64) -> Entry {
        let stat = rustix::fs::fstat(File::open("/").unwrap()).unwrap();
        let mut version = FileVersion::of(&stat);
        version.size = size;
        let kind = Kind::File(version);
        Entry { path: Arc::from(*b"file"), kind, mode: 0o644, mtime: 0 }
    }

    fn lengths(sizes: &[u64]) -> Vec<usize> {
        let mut lengths = Vec::new();
        let mut splitter = BlockSplitter::new(|block: Block| {
            assert_eq!(block.number, lengths.len() as u64);
            lengths.push(block.length);
            ControlFlow::Continue(())
        });
        sizes.iter().for_each(|&size| assert!(splitter.add(file(size)).is_continue()));
        let (blocks, entries) = splitter.finish();
        assert_eq!((blocks, entries), (lengths.len() as u64, sizes.len() as u64));
        lengths
    }

    #[test]
    fn all_blocks_but_the_last_hold_a_mebibyte_plus_at_most_one_header() {
        let wanted = |sizes: &[u64]| {
            let content: usize = sizes.iter().map(|s| s.next_multiple_of(512) as usize + 512).sum();
            content + 1024
        };
        for sizes in [
            &[][..],
            &[0],
            &[BLOCK as u64 - 512],
            &[BLOCK as u64 - 1],
            &[BLOCK as u64],
            &[10 * BLOCK as u64 + 7],
            &[1; 5000],
            &[700_000; 7],
            &[0; 2047],
            &[0; 2048],
        ] {
            let lengths = lengths(sizes);
            assert_eq!(lengths.iter().sum::<usize>(), wanted(sizes));
            let (_, full) = lengths.split_last().unwrap();
            assert!(full.iter().all(|length| (BLOCK..BLOCK + 512).contains(length)));
        }
    }
}
