//! Disk space: how much the rack uses, and sharing of equal files between sources.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const CHUNK: usize = 64 * 1024;

/// Returns the disk space that a directory tree uses, in bytes. Hard links count once; entries
/// that can't be read, or that disappear meanwhile, don't count.
pub(crate) fn usage(root: &Path) -> u64 {
    let mut linked = HashSet::new();
    let mut total = 0;
    let mut pending = vec![root.to_owned()];
    while let Some(path) = pending.pop() {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        if found.nlink() > 1 && !found.is_dir() && !linked.insert((found.dev(), found.ino())) {
            continue;
        }
        total += found.blocks() * 512;
        if found.is_dir() {
            pending.extend(entries(&path));
        }
    }
    total
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).collect()
}

/// Replaces the files of `new` that equal those of `old` at the same path, mode included, by
/// reflinks or else by hard links to them. Sources are never written to once they are built, so
/// sharing an inode is safe. Best effort: what can't be shared stays a file of its own.
///
/// A link is made at `temporary`, outside of both, before it replaces a file: whoever reads `new`
/// meanwhile sees each file whole and nothing else.
pub(crate) fn share_unchanged(new: &Path, old: &Path, temporary: &Path) {
    let mut pending = vec![(new.to_owned(), old.to_owned())];
    while let Some((new, old)) = pending.pop() {
        for path in entries(&new) {
            let Some(name) = path.file_name() else { continue };
            let before = old.join(name);
            let (Ok(ours), Ok(theirs)) =
                (fs::symlink_metadata(&path), fs::symlink_metadata(&before))
            else {
                continue;
            };
            if ours.is_dir() && theirs.is_dir() {
                pending.push((path, before));
            } else if may_share(&ours, &theirs) && is_equal(&path, &before).unwrap_or(false) {
                // The file stays as it is.
                let _ = share(&path, &before, &ours, temporary);
            }
        }
    }
}

fn may_share(ours: &Metadata, theirs: &Metadata) -> bool {
    let same_inode = (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino());
    ours.is_file()
        && theirs.is_file()
        && !same_inode
        && ours.len() > 0
        && (ours.len(), ours.mode()) == (theirs.len(), theirs.mode())
}

fn is_equal(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let (mut ours, mut theirs) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        let count = one.read(&mut ours)?;
        if count == 0 {
            return Ok(other.read(&mut theirs[..1])? == 0);
        }
        match other.read_exact(&mut theirs[..count]) {
            Ok(()) if ours[..count] == theirs[..count] => (),
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
            _ => return Ok(false),
        }
    }
}

fn share(file: &Path, original: &Path, about: &Metadata, temporary: &Path) -> io::Result<()> {
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => (),
    }
    let shared = reflink(original, temporary, about)
        .or_else(|_| {
            let _ = fs::remove_file(temporary);
            fs::hard_link(original, temporary)
        })
        .and_then(|()| fs::rename(temporary, file));
    if shared.is_err() {
        let _ = fs::remove_file(temporary);
    }
    shared
}

/// Makes a file that shares its blocks with `original` and has the mode and times of `about`.
#[cfg(target_os = "linux")]
fn reflink(original: &Path, new: &Path, about: &Metadata) -> io::Result<()> {
    let from = File::open(original)?;
    let to = File::create_new(new)?;
    rustix::fs::ioctl_ficlone(&to, &from)?;
    to.set_permissions(about.permissions())?;
    to.set_modified(about.modified()?)
}

#[cfg(not(target_os = "linux"))]
fn reflink(_: &Path, _: &Path, _: &Metadata) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn write(path: &Path, text: &str, mode: u32) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn equal_files_are_stored_once_and_others_are_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let large = "x".repeat(1 << 20);
        let (old, new) = (root.path().join("old"), root.path().join("new"));
        for source in [&old, &new] {
            write(&source.join("same"), &large, 0o644);
            write(&source.join("deep/er/same"), &large.replace('x', "y"), 0o755);
            symlink("same", source.join("link")).unwrap();
        }
        write(&old.join("changed"), "before", 0o644);
        write(&new.join("changed"), "after!", 0o644);
        write(&old.join("mode"), "mode", 0o644);
        write(&new.join("mode"), "mode", 0o755);
        write(&new.join("added"), "added", 0o644);
        // A directory that became a link to one outside is not followed.
        write(&root.path().join("outside/file"), "secret", 0o644);
        symlink(root.path().join("outside"), old.join("swapped")).unwrap();
        write(&new.join("swapped/file"), "secret", 0o644);
        let before = usage(&new);

        share_unchanged(&new, &old, &root.path().join("temporary"));
        share_unchanged(&new, &old, &root.path().join("temporary"));

        let text = |name: &str| fs::read_to_string(new.join(name)).unwrap();
        assert_eq!((text("same"), text("deep/er/same")), (large.clone(), large.replace('x', "y")));
        assert_eq!(
            (text("changed"), text("mode"), text("added")),
            ("after!".into(), "mode".into(), "added".into())
        );
        let mode = |name: &str| fs::metadata(new.join(name)).unwrap().mode() & 0o777;
        assert_eq!((mode("deep/er/same"), mode("mode")), (0o755, 0o755));
        assert_eq!(fs::metadata(new.join("swapped/file")).unwrap().nlink(), 1);
        assert_eq!(entries(&new).len(), 7, "no temporary file is left");
        let ino = |path: PathBuf| fs::metadata(path).unwrap().ino();
        if ino(new.join("same")) == ino(old.join("same")) {
            assert!(usage(root.path()) < usage(&old) + before, "hard links count once");
        }
    }
}
