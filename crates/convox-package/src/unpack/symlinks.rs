//! The symlinks of an archive, which are created when everything else is in place.
//!
//! Where a symlink ends depends on the others: a target of `a/b` may be harmless until `a` turns out
//! to be a symlink itself. So they are collected, each is resolved, and only then are they created.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::super::names;
use super::directory::{Directory, parts};
use super::error::UnpackError;
use super::members::{Kind, Member};

/// The work that resolving all symlinks of an archive may take, in bytes of paths looked up. 100,000
/// links of a large `node_modules` take a third of it.
const MAX_WORK: usize = 256 << 20;

/// The work of looking for a symlink on disk.
const DISK_WORK: usize = 256;

/// Symlinks that are yet to be created: their paths, and their targets as in the archive.
#[derive(Default)]
pub(super) struct Symlinks(BTreeMap<Vec<u8>, Vec<u8>>);

impl Symlinks {
    pub(super) fn add(&mut self, path: &[&[u8]], target: &[u8]) {
        self.0.insert(path.join(&b'/'), target.to_vec());
    }

    /// Returns the target of a symlink that is yet to be created.
    pub(super) fn get(&self, path: &[&[u8]]) -> Option<Vec<u8>> {
        self.0.get(&path.join(&b'/')).cloned()
    }

    /// Checks that an entry's path does not lead through a symlink, and removes a symlink that the
    /// entry replaces.
    pub(super) fn check_path(&mut self, path: &[&[u8]], m: &Member) -> Result<(), UnpackError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let joined = path.join(&b'/');
        let mut slashes = joined.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        if slashes.any(|(at, _)| self.0.contains_key(&joined[..at])) {
            return Err(UnpackError::ThroughLink(names::path(&m.path)));
        }
        let to_itself = m.kind == Kind::HardLink && parts(&m.target, &m.path)? == path;
        if !to_itself {
            self.0.remove(&joined);
        }
        Ok(())
    }

    /// Creates the symlinks, if all of them stay in the directory. `check` is called between them,
    /// and may end the unpacking.
    pub(super) fn create(
        &self,
        directory: &mut Directory,
        check: impl Fn() -> Result<(), UnpackError>,
    ) -> Result<(), UnpackError> {
        let mut walker = LinkWalker { links: &self.0, directory, known: HashMap::new(), work: 0 };
        for (path, target) in &self.0 {
            check()?;
            if !walker.stays_inside(path, target)? {
                let (entry, target) = (names::path(path), names::path(target));
                return Err(UnpackError::LinkLeaves { entry, target });
            }
        }
        for (path, target) in &self.0 {
            check()?;
            directory.create_symlink(&parts(path, path)?, target)?;
        }
        Ok(())
    }
}

/// Resolves symlinks, each of them only once.
struct LinkWalker<'a> {
    links: &'a BTreeMap<Vec<u8>, Vec<u8>>,
    directory: &'a mut Directory,
    known: HashMap<Vec<u8>, Resolution>,
    /// The work so far; see [`MAX_WORK`].
    work: usize,
}

/// Where a symlink ends.
#[derive(Clone)]
enum Resolution {
    /// It is being followed.
    Pending,
    /// At this path, which has no symlinks in it; nothing needs to exist there.
    At(Rc<[u8]>),
    /// It is part of a loop, or leads to one.
    Nowhere,
}

/// A position on the way to the end of a symlink.
struct Position {
    /// The path reached so far, without symlinks.
    at: Vec<u8>,
    /// The components that are still to be walked, the next one last.
    ahead: Vec<Vec<u8>>,
    /// The symlinks that are being followed, and the length of `ahead` at the end of each.
    following: Vec<(Vec<u8>, usize)>,
}

enum Step {
    On,
    /// It leads out of the directory.
    Out,
    /// It leads into a loop.
    Nowhere,
}

impl LinkWalker<'_> {
    fn stays_inside(&mut self, path: &[u8], target: &[u8]) -> Result<bool, UnpackError> {
        if self.known.contains_key(path) {
            return Ok(true);
        }
        let mut position = Position { at: path.to_vec(), ahead: Vec::new(), following: Vec::new() };
        let mut step = self.follow(&mut position, target);
        loop {
            match step {
                Step::Out => return Ok(false),
                Step::Nowhere => {
                    let links = position.following.drain(..);
                    self.known.extend(links.map(|(link, _)| (link, Resolution::Nowhere)));
                    return Ok(true);
                }
                Step::On => self.note_ends(&mut position),
            }
            if self.work > MAX_WORK {
                return Err(UnpackError::LinksTooComplex);
            }
            let Some(name) = position.ahead.pop() else { return Ok(true) };
            step = self.step(&mut position, &name);
        }
    }

    /// Walks one component, through the symlink there if it is one.
    fn step(&mut self, position: &mut Position, name: &[u8]) -> Step {
        self.work += position.at.len() + 1;
        match name {
            b"" | b"." => return Step::On,
            b".." if position.at.is_empty() => return Step::Out,
            b".." => {
                position.leave();
                return Step::On;
            }
            name => position.enter(name),
        }
        match self.known.get(&position.at) {
            Some(Resolution::At(end)) => {
                position.at = end.to_vec();
                self.work += end.len();
                Step::On
            }
            Some(Resolution::Pending | Resolution::Nowhere) => Step::Nowhere,
            None => match self.target(&position.at) {
                Some(target) => self.follow(position, &target),
                None => Step::On,
            },
        }
    }

    /// Follows the symlink at the position.
    fn follow(&mut self, position: &mut Position, target: &[u8]) -> Step {
        if matches!(target.first(), None | Some(b'/')) {
            return Step::Out;
        }
        self.work += position.at.len() + target.len();
        let link = position.at.clone();
        position.leave();
        self.known.insert(link.clone(), Resolution::Pending);
        position.following.push((link, position.ahead.len()));
        position.ahead.extend(target.rsplit(|&byte| byte == b'/').map(<[u8]>::to_vec));
        Step::On
    }

    /// Notes where the symlinks end whose last component was walked.
    fn note_ends(&mut self, position: &mut Position) {
        let mut end: Option<Rc<[u8]>> = None;
        let left = position.ahead.len();
        while position.following.last().is_some_and(|(_, behind)| *behind == left) {
            let Some((link, _)) = position.following.pop() else { return };
            let end = end.get_or_insert_with(|| position.at.as_slice().into());
            self.known.insert(link, Resolution::At(Rc::clone(end)));
        }
    }

    /// Returns the target of the symlink at this path, in the archive or on disk.
    fn target(&mut self, path: &[u8]) -> Option<Vec<u8>> {
        if let Some(target) = self.links.get(path) {
            return Some(target.clone());
        }
        if self.directory.was_empty() {
            return None;
        }
        self.work += DISK_WORK;
        self.directory.read_link(&path.split(|&byte| byte == b'/').collect::<Vec<_>>())
    }
}

impl Position {
    fn enter(&mut self, name: &[u8]) {
        if !self.at.is_empty() {
            self.at.push(b'/');
        }
        self.at.extend_from_slice(name);
    }

    fn leave(&mut self) {
        let parent = self.at.iter().rposition(|&byte| byte == b'/');
        self.at.truncate(parent.unwrap_or(0));
    }
}
