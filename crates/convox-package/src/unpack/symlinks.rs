//! The symlinks of an archive, made when everything else is there.
//!
//! Where a link ends depends on the other links: `a/b` may be harmless until `a` is found to be a
//! link itself. So they are collected, each is followed to its end, and only then are they made.

use std::collections::BTreeMap;

use super::super::names;
use super::error::UnpackError;
use super::folder::{Folder, parts};
use super::members::{Kind, Member};

/// A way with more components than this is not followed to its end, but refused.
const MOST_STEPS: usize = 10_000;

/// Links that are still to be made: their paths, and their targets as the archive has them.
#[derive(Default)]
pub(super) struct Symlinks(BTreeMap<Vec<u8>, Vec<u8>>);

impl Symlinks {
    pub(super) fn add(&mut self, path: &[&[u8]], target: &[u8]) {
        self.0.insert(path.join(&b'/'), target.to_vec());
    }

    /// The target of a link that is still to be made.
    pub(super) fn get(&self, path: &[&[u8]]) -> Option<Vec<u8>> {
        self.0.get(&path.join(&b'/')).cloned()
    }

    /// Makes way for an entry: it replaces a link of its own name, but may not lead through one.
    pub(super) fn clear_way(&mut self, path: &[&[u8]], m: &Member) -> Result<(), UnpackError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let through = (1..path.len()).any(|end| self.0.contains_key(&path[..end].join(&b'/')));
        if through {
            return Err(UnpackError::ThroughLink(names::path(&m.path)));
        }
        let own_target = m.kind == Kind::HardLink && parts(&m.target, &m.path)? == path;
        if !own_target {
            self.0.remove(&path.join(&b'/'));
        }
        Ok(())
    }

    /// Makes the links, if all of them stay in the folder.
    pub(super) fn make(&self, folder: &mut Folder) -> Result<(), UnpackError> {
        for (path, target) in &self.0 {
            if !self.stays_inside(path, target, folder) {
                let (entry, target) = (names::path(path), names::path(target));
                return Err(UnpackError::LinkLeaves { entry, target });
            }
        }
        for (path, target) in &self.0 {
            folder.make_symlink(&parts(path, path)?, target)?;
        }
        Ok(())
    }

    fn stays_inside(&self, path: &[u8], target: &[u8], folder: &mut Folder) -> bool {
        let mut way = Way::from(path);
        let mut link = Some((path.to_vec(), target.to_vec()));
        for _ in 0..MOST_STEPS {
            match link.take().map(|(path, target)| way.follow(path, &target)) {
                None | Some(Lead::On) => {}
                Some(Lead::Round) => return true, // nobody ever comes to its end
                Some(Lead::Out) => return false,
            }
            match way.step() {
                Some(Lead::On) => link = self.link(&way.at, folder),
                Some(_) => return false,
                None => return true,
            }
        }
        false
    }

    /// The link at this path, be it still to be made or on disk already, and its target.
    fn link(&self, at: &[Vec<u8>], folder: &mut Folder) -> Option<(Vec<u8>, Vec<u8>)> {
        let path: Vec<&[u8]> = at.iter().map(Vec::as_slice).collect();
        let joined = path.join(&b'/');
        let target = self.0.get(&joined).cloned().or_else(|| folder.read_link(&path))?;
        Some((joined, target))
    }
}

/// Where one is on the way to the end of a link, and what is still ahead.
struct Way {
    at: Vec<Vec<u8>>,
    ahead: Vec<Vec<u8>>,
    /// The links that are being followed, and how much was ahead behind each of them.
    following: Vec<(Vec<u8>, usize)>,
}

enum Lead {
    On,
    /// Out of the folder.
    Out,
    /// Into a link that is being followed already.
    Round,
}

impl Way {
    /// At the link of this path.
    fn from(path: &[u8]) -> Self {
        Self { at: split(path), ahead: Vec::new(), following: Vec::new() }
    }

    /// Follows the link that stands where the way is.
    fn follow(&mut self, path: Vec<u8>, target: &[u8]) -> Lead {
        self.at.pop();
        if matches!(target.first(), None | Some(b'/')) {
            return Lead::Out;
        }
        let behind = self.ahead.len();
        self.following.retain(|(_, ahead)| *ahead <= behind);
        if self.following.iter().any(|(link, _)| *link == path) {
            return Lead::Round;
        }
        self.following.push((path, behind));
        self.ahead.extend(split(target).into_iter().rev());
        Lead::On
    }

    /// Goes one component further; `None` at the end of the way.
    fn step(&mut self) -> Option<Lead> {
        let name = self.ahead.pop()?;
        match name.as_slice() {
            b"" | b"." => {}
            b".." if self.at.pop().is_none() => return Some(Lead::Out),
            b".." => {}
            _ => self.at.push(name),
        }
        Some(Lead::On)
    }
}

fn split(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&byte| byte == b'/').map(<[u8]>::to_vec).collect()
}
