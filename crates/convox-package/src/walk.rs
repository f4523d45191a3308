//! Walking a source directory in lexical order, each directory before its contents.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags, Stat};

use super::error::{PackageError, Warning};
use super::header::{Entry, Kind};
use super::ignore::Scope;
use super::names;
use super::open::open_below;
use super::source::Source;
use super::spool::Times;
use super::version::{FileId, FileVersion};

/// Receives what a walk finds.
pub(super) trait Visitor {
    /// Takes an entry of the archive. The walk ends if this breaks.
    fn entry(&mut self, entry: Entry) -> ControlFlow<()>;

    /// Takes a path that ignore rules leave out; it ends in a slash for a directory that is left out
    /// with everything in it.
    fn excluded(&mut self, _path: &[u8]) {}
}

impl<F: FnMut(Entry) -> ControlFlow<()>> Visitor for F {
    fn entry(&mut self, entry: Entry) -> ControlFlow<()> {
        self(entry)
    }
}

/// Walks `source` in lexical order until `visitor` breaks. Returns the warnings.
pub(super) fn walk(
    source: &Source,
    root: BorrowedFd<'_>,
    times: Times,
    visitor: impl Visitor,
) -> Result<Vec<Warning>, PackageError> {
    let mut walk = Walk {
        source,
        root,
        times,
        visitor,
        levels: Vec::new(),
        open: None,
        links: HashMap::new(),
        warnings: source.warnings().to_vec(),
    };
    walk.descend(Vec::new(), source.rules().root())?;
    while let Some(level) = walk.levels.last_mut() {
        let Some(child) = level.children.next() else {
            walk.levels.pop();
            continue;
        };
        if walk.process(&child)?.is_break() {
            break;
        }
    }
    Ok(walk.warnings)
}

struct Walk<'a, V> {
    source: &'a Source,
    root: BorrowedFd<'a>,
    times: Times,
    visitor: V,
    /// The directories from the root to the current one.
    levels: Vec<Level>,
    /// The only directory that is open, and its depth.
    open: Option<(usize, Dir)>,
    /// The first paths of files with more than one name.
    links: HashMap<FileId, Arc<[u8]>>,
    warnings: Vec<Warning>,
}

struct Level {
    /// Relative to the root; ends in a slash, except for the root, whose path is empty.
    path: Vec<u8>,
    children: std::vec::IntoIter<Child>,
    scope: Scope,
}

struct Child {
    name: Box<[u8]>,
    kind: FileType,
}

impl<V: Visitor> Walk<'_, V> {
    fn process(&mut self, child: &Child) -> Result<ControlFlow<()>, PackageError> {
        let Some(level) = self.levels.last() else { return Ok(ControlFlow::Break(())) };
        let rules = self.source.rules();
        let mut path = [&level.path, &*child.name].concat();
        let verdict = rules.judge(&level.scope, &path);
        if child.kind != FileType::Directory {
            return match self.is_sent(&path, verdict.excludes()) {
                true => self.visit(child, path.into()),
                false => Ok(ControlFlow::Continue(())),
            };
        }
        path.push(b'/');
        let scope = rules.enter(&level.scope, &path, verdict);
        if !verdict.excludes() {
            if self.visit(child, path.as_slice().into())?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        } else if !rules.may_readmit(&scope) && !self.source.has_always_sent_below(&path) {
            self.visitor.excluded(&path);
            return Ok(ControlFlow::Continue(()));
        }
        self.descend(path, scope)?;
        Ok(ControlFlow::Continue(()))
    }

    fn is_sent(&mut self, path: &[u8], excluded: bool) -> bool {
        if excluded && self.source.is_always_sent(path) {
            self.warnings.push(Warning::AlwaysSent(names::path(path)));
            return true;
        }
        if excluded {
            self.visitor.excluded(path);
        }
        !excluded
    }

    fn visit(&mut self, child: &Child, path: Arc<[u8]>) -> Result<ControlFlow<()>, PackageError> {
        match child.kind {
            FileType::Socket => self.warnings.push(Warning::Socket(names::path(&path))),
            FileType::BlockDevice | FileType::CharacterDevice => {
                self.warnings.push(Warning::Device(names::path(&path)));
            }
            _ => return self.visit_entry(child, path),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn visit_entry(
        &mut self,
        child: &Child,
        path: Arc<[u8]>,
    ) -> Result<ControlFlow<()>, PackageError> {
        let stat = self.stat(child, &path)?;
        let Some(kind) = self.kind(child, &path, &stat)? else {
            return Err(self.source.changed(&path));
        };
        if &*child.name == b".env" && !matches!(kind, Kind::Directory) {
            self.warnings.push(Warning::DotEnv(names::path(&path)));
        }
        let mtime = match self.times {
            Times::Own => stat.st_mtime,
            Times::Fixed(time) => time,
        };
        let mode = Mode::from_raw_mode(stat.st_mode).bits();
        Ok(self.visitor.entry(Entry { path, kind, mode, mtime }))
    }

    /// Returns what the entry becomes in the archive; `None` if its type has changed since the
    /// directory was listed.
    fn kind(
        &mut self,
        child: &Child,
        path: &Arc<[u8]>,
        stat: &Stat,
    ) -> Result<Option<Kind>, PackageError> {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory if path.ends_with(b"/") => Kind::Directory,
            FileType::RegularFile if stat.st_nlink > 1 => self.link_or_file(path, stat),
            FileType::RegularFile => file(stat),
            FileType::Symlink => Kind::Symlink(self.target(child, path)?),
            FileType::Fifo => Kind::Fifo,
            _ => return Ok(None),
        };
        Ok(Some(kind))
    }

    fn link_or_file(&mut self, path: &Arc<[u8]>, stat: &Stat) -> Kind {
        match self.links.get(&FileId::of(stat)) {
            Some(first) => Kind::HardLink(Arc::clone(first)),
            None => {
                self.links.insert(FileId::of(stat), Arc::clone(path));
                file(stat)
            }
        }
    }

    fn target(&mut self, child: &Child, path: &[u8]) -> Result<Box<[u8]>, PackageError> {
        let target = rustix::fs::readlinkat(self.directory(path)?, &*child.name, Vec::new());
        Ok(target.map_err(|e| self.failed(path, e))?.into_bytes().into())
    }

    fn stat(&mut self, child: &Child, path: &[u8]) -> Result<Stat, PackageError> {
        let directory = self.directory(path)?;
        let stat = rustix::fs::statat(directory, &*child.name, AtFlags::SYMLINK_NOFOLLOW);
        stat.map_err(|e| self.failed(path, e))
    }

    /// Returns the directory of the current level, reopened if the walk has been below it: however
    /// deep the tree, only one directory is open. `path` is for error messages.
    fn directory(&mut self, path: &[u8]) -> Result<BorrowedFd<'_>, PackageError> {
        let depth = self.levels.len();
        if self.open.as_ref().is_none_or(|(open, _)| *open != depth) {
            let directory = self.levels.last().map_or(&[][..], |level| &level.path);
            self.open = Some((depth, self.open_directory(directory)?));
        }
        match self.open.as_ref().map(|(_, dir)| dir.fd()) {
            Some(Ok(fd)) => Ok(fd),
            Some(Err(e)) => Err(self.failed(path, e)),
            None => Err(self.failed(path, rustix::io::Errno::BADF)),
        }
    }

    fn open_directory(&self, path: &[u8]) -> Result<Dir, PackageError> {
        let name = if path.is_empty() { b"." } else { path };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        open_below(self.root, name, flags).and_then(Dir::new).map_err(|e| self.failed(path, e))
    }

    /// Lists a directory and makes it the current level.
    fn descend(&mut self, path: Vec<u8>, scope: Scope) -> Result<(), PackageError> {
        let mut dir = self.open_directory(&path)?;
        let mut children = Vec::new();
        while let Some(entry) = dir.read() {
            let entry = entry.map_err(|e| self.failed(&path, e))?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                let kind = kind_of(&dir, &entry).map_err(|e| self.failed(&path, e))?;
                children.push(Child { name: name.into(), kind });
            }
        }
        children.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        self.levels.push(Level { path, children: children.into_iter(), scope });
        self.open = Some((self.levels.len(), dir));
        Ok(())
    }

    fn failed(&self, path: &[u8], e: rustix::io::Errno) -> PackageError {
        self.source.unreadable(path, e)
    }
}

/// Returns an entry's type, which some file systems do not include in the listing.
fn kind_of(dir: &Dir, entry: &DirEntry) -> rustix::io::Result<FileType> {
    if entry.file_type() != FileType::Unknown {
        return Ok(entry.file_type());
    }
    let stat = rustix::fs::statat(dir.fd()?, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

fn file(stat: &Stat) -> Kind {
    Kind::File(FileVersion::of(stat))
}
