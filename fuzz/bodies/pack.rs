//! Packing: the lines describe a tree, which is packed, unpacked and compared.
//!
//! `f PATH TEXT` is a file, `d PATH` a directory, `l PATH TARGET` a symlink; `%` and two digits are a
//! byte of a path.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use convox_package::unpack::{Limits, unpack};
use convox_package::{Source, Times, spool};
use futures_util::TryStreamExt;

pub(crate) fn check(bytes: &[u8]) {
    let place = tempfile::tempdir().unwrap();
    let (from, to) = (place.path().join("from"), place.path().join("to"));
    fs::create_dir(&from).unwrap();
    fs::write(from.join("convox.yml"), "services: {}\n").unwrap();
    for line in bytes.split(|byte| *byte == b'\n').take(40) {
        make(&from, line);
    }
    let Ok(source) = Source::open(&from, None) else { return };
    let archive = packed(&source);
    unpack(&archive[..], &to, &Limits::default()).unwrap();
    let (before, after) = (tree(&from), tree(&to));
    if before.contains_key(Path::new(".dockerignore")) {
        for (path, what) in after {
            assert_eq!(before.get(&path), Some(&what), "{path:?}");
        }
        return;
    }
    assert_eq!(before, after);
}

fn packed(source: &Source) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let spool = spool(source, Times::Own, &std::env::temp_dir()).unwrap();
    let pieces = runtime.block_on(spool.stream().try_collect::<Vec<_>>()).unwrap();
    assert!(spool.is_finished());
    pieces.concat()
}

/// Leaves out what the system refuses.
fn make(root: &Path, line: &[u8]) {
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let (Some(kind), Some(path)) = (words.next(), words.next()) else { return };
    let rest = words.next().unwrap_or_default();
    let Some(path) = inside(path) else { return };
    let path = root.join(path);
    if let Some(folder) = path.parent() {
        drop(fs::create_dir_all(folder));
    }
    drop(match kind {
        b"f" => fs::write(&path, rest.repeat(rest.len())),
        b"d" => fs::create_dir_all(&path),
        b"l" => match inside(rest) {
            Some(target) => std::os::unix::fs::symlink(target, &path),
            None => Ok(()),
        },
        _ => Ok(()),
    });
}

/// A relative path without `..`.
fn inside(text: &[u8]) -> Option<PathBuf> {
    let mut path = Vec::new();
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let digits = |bytes: &mut std::slice::Iter<u8>| {
            let digits = [*bytes.next()?, *bytes.next()?];
            u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()
        };
        path.push(if *byte == b'%' { digits(&mut bytes)? } else { *byte });
    }
    let path = PathBuf::from(OsStr::from_bytes(&path));
    let normal = path.components().all(|part| matches!(part, Component::Normal(_)));
    (normal && path.components().next().is_some()).then_some(path)
}

#[derive(Debug, PartialEq)]
enum What {
    File(Vec<u8>),
    Folder,
    Link(PathBuf),
}

fn tree(root: &Path) -> BTreeMap<PathBuf, What> {
    let (mut found, mut left) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let what = if kind.is_dir() {
                left.push(path.clone());
                What::Folder
            } else if kind.is_symlink() {
                What::Link(fs::read_link(&path).unwrap())
            } else {
                What::File(fs::read(&path).unwrap())
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), what);
        }
    }
    found
}
