//! The symlinks of an archive, which are created when everything else is in place.
//!
//! Where a symlink ends depends on the others: a target of `a/b` may be harmless until `a` turns out
//! to be a symlink itself. So they are collected, each is resolved, and only then are they created.

use std::collections::BTreeMap;

use super::super::names;
use super::directory::{Directory, parts};
use super::error::UnpackError;
use super::members::{Kind, Member};

/// A symlink whose resolution takes more components is refused.
const MAX_STEPS: usize = 10_000;

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

    /// Creates the symlinks, if all of them stay in the directory.
    pub(super) fn create(&self, directory: &mut Directory) -> Result<(), UnpackError> {
        for (path, target) in &self.0 {
            if !self.stays_inside(path, target, directory) {
                let (entry, target) = (names::path(path), names::path(target));
                return Err(UnpackError::LinkLeaves { entry, target });
            }
        }
        for (path, target) in &self.0 {
            directory.create_symlink(&parts(path, path)?, target)?;
        }
        Ok(())
    }

    fn stays_inside(&self, path: &[u8], target: &[u8], directory: &mut Directory) -> bool {
        let mut way = LinkWalker::from(path);
        let mut link = Some((path.to_vec(), target.to_vec()));
        for _ in 0..MAX_STEPS {
            match link.take().map(|(path, target)| way.follow(path, &target)) {
                None | Some(Step::On) => {}
                Some(Step::Loop) => return true, // it resolves to nothing
                Some(Step::Out) => return false,
            }
            match way.step() {
                Some(Step::On) => link = self.link(&way.at, directory),
                Some(_) => return false,
                None => return true,
            }
        }
        false
    }

    /// Returns the path and the target of the symlink at this path, in the archive or on disk.
    fn link(&self, at: &[Vec<u8>], directory: &mut Directory) -> Option<(Vec<u8>, Vec<u8>)> {
        let path: Vec<&[u8]> = at.iter().map(Vec::as_slice).collect();
        let joined = path.join(&b'/');
        let target = self.0.get(&joined).cloned().or_else(|| directory.read_link(&path))?;
        Some((joined, target))
    }
}

/// Resolves a symlink step by step.
struct LinkWalker {
    at: Vec<Vec<u8>>,
    ahead: Vec<Vec<u8>>,
    /// The links that are being followed, and how much was ahead behind each of them.
    following: Vec<(Vec<u8>, usize)>,
}

enum Step {
    On,
    /// It leads out of the directory.
    Out,
    /// It leads to a symlink that is already being followed.
    Loop,
}

impl LinkWalker {
    /// At the link of this path.
    fn from(path: &[u8]) -> Self {
        Self { at: split(path), ahead: Vec::new(), following: Vec::new() }
    }

    /// Follows the link that stands where the way is.
    fn follow(&mut self, path: Vec<u8>, target: &[u8]) -> Step {
        self.at.pop();
        if matches!(target.first(), None | Some(b'/')) {
            return Step::Out;
        }
        let behind = self.ahead.len();
        self.following.retain(|(_, ahead)| *ahead <= behind);
        if self.following.iter().any(|(link, _)| *link == path) {
            return Step::Loop;
        }
        self.following.push((path, behind));
        self.ahead.extend(split(target).into_iter().rev());
        Step::On
    }

    /// Goes one component further; `None` at the end of the way.
    fn step(&mut self) -> Option<Step> {
        let name = self.ahead.pop()?;
        match name.as_slice() {
            b"" | b"." => {}
            b".." if self.at.pop().is_none() => return Some(Step::Out),
            b".." => {}
            _ => self.at.push(name),
        }
        Some(Step::On)
    }
}

fn split(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&byte| byte == b'/').map(<[u8]>::to_vec).collect()
}
