//! The archive cut into blocks that can be filled and compressed side by side.
//!
//! Where the blocks end depends on the entries alone, so the same tree gives the same bytes on
//! any number of cores. A block says what is to be in it; only its worker reads the files.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::OFlags;

use super::error::PackageError;
use super::header::{Entry, FileId, Kind, RECORD, padding};
use super::names;
use super::open::open_below;

/// A block is closed once it holds this many bytes of tar.
pub(super) const BLOCK: usize = 1 << 20;

/// A part of the archive, to be compressed as one.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// Its place in the archive, from 0.
    pub(super) number: u64,
    pieces: Vec<Piece>,
    length: usize,
}

#[derive(Debug)]
enum Piece {
    Header(Entry),
    Content(Content),
    /// Two empty records end an archive.
    End,
}

/// A stretch of a file.
#[derive(Debug)]
struct Content {
    path: Arc<[u8]>,
    offset: u64,
    length: usize,
    /// The file's identity, where it has to be opened more than once.
    id: Option<FileId>,
    /// Zeros that follow, at the end of a file.
    padding: usize,
}

/// Cuts a row of entries into blocks and hands each block on when it is full.
pub(super) struct Cutter<F> {
    block: Block,
    hand_on: F,
    entries: u64,
}

impl<F: FnMut(Block) -> ControlFlow<()>> Cutter<F> {
    pub(super) fn new(hand_on: F) -> Self {
        Self { block: Block::default(), hand_on, entries: 0 }
    }

    /// Adds an entry; breaks off when nobody takes blocks any more.
    pub(super) fn add(&mut self, entry: Entry) -> ControlFlow<()> {
        self.entries += 1;
        let content = match entry.kind {
            Kind::File { size, id } => Some((Arc::clone(&entry.path), size, id)),
            _ => None,
        };
        self.push(entry.header_length(), Piece::Header(entry))?;
        match content {
            Some((path, size, id)) => self.add_content(&path, size, id),
            None => ControlFlow::Continue(()),
        }
    }

    fn add_content(&mut self, path: &Arc<[u8]>, size: u64, id: FileId) -> ControlFlow<()> {
        let mut offset = 0;
        loop {
            let room = BLOCK - self.block.length;
            let left = usize::try_from(size - offset).unwrap_or(usize::MAX);
            let length = left.min(room);
            let last = length == left;
            let padding = if last { padding(length) } else { 0 };
            let id = (offset > 0 || !last).then_some(id);
            let content = Content { path: Arc::clone(path), offset, length, id, padding };
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
        (self.hand_on)(std::mem::replace(&mut self.block, next))
    }

    /// Ends the archive; gives the number of blocks and of entries.
    pub(super) fn finish(mut self) -> (u64, u64) {
        self.block.pieces.push(Piece::End);
        self.block.length += 2 * RECORD;
        let blocks = self.block.number + 1;
        // whether anybody took the last block shows at the spool
        let _ = (self.hand_on)(self.block);
        (blocks, self.entries)
    }
}

impl Block {
    /// Fills `archive` with the block's bytes. `root` is the opened root folder, whose path is
    /// for messages.
    pub(super) fn fill(
        &self,
        archive: &mut Vec<u8>,
        root: BorrowedFd<'_>,
        root_path: &Path,
    ) -> Result<(), PackageError> {
        archive.clear();
        archive.reserve_exact(self.length);
        for piece in &self.pieces {
            match piece {
                Piece::Header(entry) => entry.write_header(archive),
                Piece::End => archive.resize(archive.len() + 2 * RECORD, 0),
                Piece::Content(content) => content.append(archive, root).map_err(|e| {
                    PackageError::reading(root_path.join(names::path(&content.path)), e)
                })?,
            }
        }
        Ok(())
    }
}

impl Content {
    fn append(&self, archive: &mut Vec<u8>, root: BorrowedFd<'_>) -> io::Result<()> {
        let mut file = self.open(root)?;
        let start = archive.len();
        archive.resize(start + self.length + self.padding, 0);
        let room = &mut archive[start..start + self.length];
        match self.offset {
            0 => file.read_exact(room),
            offset => file.read_exact_at(room, offset),
        }
    }

    /// Opens the file, not what it may have become since: a link is not followed, a FIFO that
    /// took its place is not waited for, and the parts of a large file are of the same file.
    fn open(&self, root: BorrowedFd<'_>) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = open_below(root, &self.path, flags)?;
        if let Some(id) = self.id {
            let about = rustix::fs::fstat(&file)?;
            if id != FileId::of(&about) {
                return Err(io::ErrorKind::NotFound.into());
            }
        }
        Ok(File::from(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64) -> Entry {
        let kind = Kind::File { size, id: FileId { device: 0, inode: 0 } };
        Entry { path: Arc::from(*b"file"), kind, mode: 0o644, mtime: 0 }
    }

    fn lengths(sizes: &[u64]) -> Vec<usize> {
        let mut lengths = Vec::new();
        let mut cutter = Cutter::new(|block: Block| {
            assert_eq!(block.number, lengths.len() as u64);
            lengths.push(block.length);
            ControlFlow::Continue(())
        });
        sizes.iter().for_each(|&size| assert!(cutter.add(file(size)).is_continue()));
        let (blocks, entries) = cutter.finish();
        assert_eq!((blocks, entries), (lengths.len() as u64, sizes.len() as u64));
        lengths
    }

    #[test]
    fn blocks_hold_a_mebibyte_or_a_header_more_and_the_last_one_the_rest() {
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
