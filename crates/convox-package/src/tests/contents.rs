//! The contents of archives, as other programs read them.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use proptest::prelude::*;
use rustix::fs::{Mode, OFlags};

use super::*;

#[test]
fn types_modes_and_targets_are_kept_and_owners_are_not() {
    let dir = SourceDir::new();
    dir.write("bin/run", "#!/bin/sh\n");
    fs::set_permissions(dir.at("bin/run"), Permissions::from_mode(0o4751)).unwrap();
    fs::create_dir(dir.at("empty")).unwrap();
    fs::set_permissions(dir.at("empty"), Permissions::from_mode(0o1777)).unwrap();
    symlink("../../../etc/passwd", dir.at("bin/escape")).unwrap();
    symlink("loop", dir.at("loop")).unwrap();
    fs::hard_link(dir.at("bin/run"), dir.at("later")).unwrap();
    let fifo = dir.at("fifo");
    assert!(Command::new("mkfifo").args(["-m", "640"]).arg(&fifo).status().unwrap().success());
    dir.write("bin.txt", "");
    let (archive, packed) = dir.pack();
    let entry = |name: &str, kind: &str, mode, link: &str, size| Listed {
        name: name.into(),
        kind: kind.into(),
        mode,
        link: link.into(),
        size,
        mtime: 1_500_000_000,
        owner: "0:0::".into(),
        sum: 0,
    };
    let bin = dir.at("bin").metadata().unwrap().mode() & 0o7777;
    let plain = dir.at("bin.txt").metadata().unwrap().mode() & 0o7777;
    let mut listed = list(&archive);
    listed.iter_mut().for_each(|entry| entry.sum = 0);
    let wanted = [
        entry("bin/", "directory", bin, "", 0),
        entry("bin/escape", "link", 0o777, "../../../etc/passwd", 0),
        entry("bin/run", "file", 0o4751, "", 10),
        entry("bin.txt", "file", plain, "", 0),
        entry("convox.yml", "file", plain, "", 13),
        entry("empty/", "directory", 0o1777, "", 0),
        entry("fifo", "fifo", 0o640, "", 0),
        entry("later", "hard", 0o4751, "bin/run", 0),
        entry("loop", "link", 0o777, "loop", 0),
    ];
    assert_eq!(listed, wanted);
    let length = archive.len() as u64;
    assert_eq!(packed, Packed { length, entries: wanted.len() as u64, warnings: vec![] });
}

#[test]
fn names_may_be_long_or_not_utf8() {
    let dir = SourceDir::new();
    let long = ["d".repeat(150), "e".repeat(150), "f".repeat(200)].join("/");
    for length in [98, 99, 100, 101, 255] {
        dir.write("n".repeat(length), "x");
    }
    dir.write(&long, "long");
    dir.write(OsStr::from_bytes(b"z-\xff-\xc3\xb6"), "bytes");
    symlink(&long, dir.at("y")).unwrap();
    let (archive, _) = dir.pack();
    let listed = list(&archive);
    let has = |name: &str| listed.iter().any(|entry| entry.name == name);
    for length in [98, 99, 100, 101, 255] {
        assert!(has(&"n".repeat(length)), "{length}");
    }
    assert!(has(&long) && has("z-\u{fffd}-ö"));
    assert!(listed.iter().any(|entry| entry.name == "y" && entry.link == long));
    let back = tempfile::tempdir().unwrap();
    unpack(&archive[..], back.path(), &Limits::default()).unwrap();
    let name = OsStr::from_bytes(b"z-\xff-\xc3\xb6");
    assert_eq!(fs::read(back.path().join(name)).unwrap(), b"bytes");
    assert_eq!(fs::read(back.path().join("y")).unwrap(), b"long");
}

#[test]
fn paths_may_exceed_the_limit_of_the_system() {
    let dir = SourceDir::new();
    let mut at = OwnedFd::from(File::open(dir.0.path()).unwrap());
    let name = "d".repeat(200);
    for _ in 0..25 {
        rustix::fs::mkdirat(&at, &name, Mode::from_raw_mode(0o755)).unwrap();
        at = rustix::fs::openat(&at, &name, OFlags::RDONLY, Mode::empty()).unwrap();
    }
    let flags = OFlags::CREATE | OFlags::WRONLY;
    for name in ["a", "z"] {
        let file = rustix::fs::openat(&at, name, flags, Mode::from_raw_mode(0o644)).unwrap();
        File::from(file).write_all(&noise(1_500_000)).unwrap();
    }
    rustix::fs::symlinkat("a", &at, "link").unwrap();
    let listed = list(&dir.pack().0);
    let found =
        |end: &str| listed.iter().find(|entry| entry.name == format!("{name}/").repeat(25) + end);
    assert_eq!(listed.len(), 1 + 25 + 3);
    assert!(["a", "z"].iter().all(|name| found(name).is_some_and(|entry| entry.size == 1_500_000)));
    assert!(found("link").is_some_and(|entry| entry.link == "a"));
}

#[test]
fn an_archive_of_many_members_is_read_by_python_and_gnu_tar() {
    let dir = SourceDir::new();
    let large = noise(5_000_000);
    dir.write("large", &large);
    (0..3000).for_each(|at| dir.write(format!("small/{at:04}"), format!("file {at}")));
    let (archive, packed) = dir.pack();
    assert_eq!(packed.entries, 3003);
    assert_eq!(list(&archive).len(), 3003);
    let back = tempfile::tempdir().unwrap();
    unpack(&archive[..], back.path(), &Limits::default()).unwrap();
    assert_eq!(fs::read(back.path().join("large")).unwrap(), large);
    let gnu = Command::new("tar").arg("--version").output();
    if !gnu.is_ok_and(|output| output.stdout.starts_with(b"tar (GNU tar)")) {
        return; // GNU tar is not installed
    }
    let other = tempfile::tempdir().unwrap();
    pipe(Command::new("tar").arg("xzf").arg("-").arg("-C").arg(other.path()), &archive);
    let differs = Command::new("diff").arg("-r").args([dir.0.path(), other.path()]).status();
    assert!(differs.unwrap().success());
}

#[test]
fn with_a_fixed_time_the_same_files_give_the_same_bytes() {
    let (first, second) = (SourceDir::new(), SourceDir::new());
    let write = |dir: &SourceDir, names: [&str; 3]| {
        names.iter().for_each(|name| dir.write(name, noise(1_500_000)));
    };
    write(&first, ["a", "b/c", "b/d"]);
    write(&second, ["b/d", "a", "b/c"]);
    File::options()
        .write(true)
        .open(first.at("a"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    assert_eq!(first.pack().0, second.pack().0);
}

#[test]
fn own_times_are_those_of_the_files() {
    let dir = SourceDir::new();
    let time = std::time::UNIX_EPOCH + Duration::new(1_234_567_890, 999_999_999);
    File::options().write(true).open(dir.at("convox.yml")).unwrap().set_modified(time).unwrap();
    let archive = wait(async { read(&dir.spool(Times::Own)).await.unwrap() });
    assert_eq!(list(&archive)[0].mtime, 1_234_567_890);
}

/// An entry of a random tree.
#[derive(Clone, Debug)]
enum Thing {
    File(Vec<u8>, u32),
    Directory,
    Symlink(String),
}

fn thing() -> impl Strategy<Value = Thing> {
    let content = prop_oneof![
        3 => proptest::collection::vec(any::<u8>(), 0..2000),
        1 => (500_000..2_500_000_usize).prop_map(noise),
    ];
    let mode = prop_oneof![Just(0o644), Just(0o755), Just(0o600), Just(0o440)];
    prop_oneof![
        4 => (content, mode).prop_map(|(content, mode)| Thing::File(content, mode)),
        1 => Just(Thing::Directory),
        1 => "[a-c]{1,2}".prop_map(Thing::Symlink),
    ]
}

/// Returns everything below a directory: names, modes, contents, targets.
fn snapshot(root: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut found = Vec::new();
    let mut ahead = vec![root.to_owned()];
    while let Some(dir) = ahead.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let stat = path.symlink_metadata().unwrap();
            let content = match stat.file_type() {
                kind if kind.is_symlink() => {
                    fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()
                }
                kind if kind.is_dir() => {
                    ahead.push(path.clone());
                    Vec::new()
                }
                _ => fs::read(&path).unwrap(),
            };
            found.push((path.strip_prefix(root).unwrap().to_owned(), stat.mode(), content));
        }
    }
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn unpacking_restores_what_was_packed(
        tree in proptest::collection::btree_map("[a-c]{1,3}(/[a-c]{1,3}){0,2}", thing(), 0..12),
    ) {
        let dir = SourceDir::new();
        for (name, thing) in tree {
            let path = dir.at(name);
            // skip a name below an existing file or link
            if fs::create_dir_all(path.parent().unwrap()).is_err() || path.symlink_metadata().is_ok() {
                continue;
            }
            match thing {
                Thing::File(content, mode) => {
                    fs::write(&path, content).unwrap();
                    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
                }
                Thing::Directory => fs::create_dir(&path).unwrap(),
                Thing::Symlink(target) => symlink(target, &path).unwrap(),
            }
        }
        let (archive, packed) = dir.pack();
        let back = tempfile::tempdir().unwrap();
        let unpacked = unpack(&archive[..], back.path(), &Limits::default()).unwrap();
        prop_assert_eq!(unpacked.entries, packed.entries);
        prop_assert!(snapshot(dir.0.path()) == snapshot(back.path()));
    }
}
