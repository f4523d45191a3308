//! Files that cannot be packed, and spools in unusual use.

use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;

use futures_util::{StreamExt, pin_mut};

use super::super::block::{Block, BlockSplitter};
use super::super::walk::walk;
use super::*;

#[test]
fn a_socket_is_left_out_with_a_warning() {
    let dir = SourceDir::new();
    let _listener = UnixListener::bind(dir.at("app.sock")).unwrap();
    assert_eq!(dir.names(), ["convox.yml"]);
    assert_eq!(dir.warnings(), ["app.sock is a socket and was left out"]);
}

#[test]
fn an_unreadable_file_or_directory_ends_the_packing() {
    let dir = SourceDir::new();
    dir.write("sub/secret", "x");
    for name in ["sub/secret", "sub"] {
        let before = dir.at(name).metadata().unwrap().permissions();
        fs::set_permissions(dir.at(name), Permissions::from_mode(0o0)).unwrap();
        let readable =
            fs::read_dir(dir.at("sub")).is_ok() && fs::read(dir.at("sub/secret")).is_ok();
        if !readable {
            let path = dir.0.path().canonicalize().unwrap().join(name);
            let wanted = format!("cannot read {}: permission denied", path.display());
            assert_eq!(dir.failure().to_string(), wanted);
        }
        fs::set_permissions(dir.at(name), before).unwrap();
    }
}

fn denied(role: Role) -> PackageError {
    PackageError::reading("/app/key.pem", role, std::io::Error::from_raw_os_error(13))
}

#[test]
fn errors_come_with_advice() {
    let e = denied(Role::Optional);
    assert_eq!(e.to_string(), "cannot read /app/key.pem: permission denied");
    assert_eq!(e.advice(), Some("change its permissions or list it in .dockerignore"));
    let e =
        PackageError::reading("/app/disk", Role::Optional, std::io::Error::from_raw_os_error(5));
    assert_eq!(e.to_string(), "cannot read /app/disk: input/output error");
    assert_eq!(e.advice(), None);
    let e = PackageError::spooling(Path::new("/full"), ErrorKind::StorageFull.into());
    assert_eq!(e.to_string(), "no space left for the archive in /full");
    assert!(e.advice().unwrap().contains("set TMPDIR"));
}

#[test]
fn a_missing_temporary_directory_is_an_error() {
    let dir = SourceDir::new();
    let source = Source::open(dir.0.path(), None).unwrap();
    let e = spool(&source, Times::Own, &dir.at("missing")).unwrap_err();
    let wanted = format!("cannot keep the archive in {}: ", dir.at("missing").display());
    assert!(e.to_string().starts_with(&wanted), "{e}");
}

#[test]
fn each_stream_starts_at_the_beginning_and_follows_the_growing_spool() {
    let dir = SourceDir::new();
    dir.write("large", noise(6_000_000));
    let spool = dir.spool(Times::Own);
    let (early, late) = wait(async {
        let early = read(&spool).await.unwrap();
        spool.finished().await.unwrap();
        (early, read(&spool).await.unwrap())
    });
    assert!(spool.is_finished());
    assert_eq!(spool.packed(), early.len() as u64);
    assert_eq!(early, late);
}

#[test]
fn a_stream_outlives_its_spool() {
    let dir = SourceDir::new();
    dir.write("large", noise(6_000_000));
    let spool = dir.spool(Times::Own);
    let stream = spool.stream();
    drop(spool);
    let length = wait(async {
        pin_mut!(stream);
        let mut length = 0;
        while let Some(chunk) = stream.next().await {
            length += chunk.unwrap().len();
        }
        length
    });
    assert!(length > 6_000_000);
}

#[test]
fn a_file_that_changes_after_the_walk_is_an_error() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 6] = [
        ("shrinks", |file| fs::write(file, "1").unwrap()),
        ("grows", |file| fs::write(file, "1234567").unwrap()),
        ("is rewritten in place", |file| rewrite_keeping_its_time(file)),
        ("is replaced", |file| {
            fs::write(file.with_extension("new"), "12345").unwrap();
            fs::rename(file.with_extension("new"), file).unwrap();
        }),
        ("is removed", |file| fs::remove_file(file).unwrap()),
        ("becomes a symlink", |file| {
            fs::remove_file(file).unwrap();
            symlink("convox.yml", file).unwrap();
        }),
    ];
    for (what, change) in changes {
        let dir = SourceDir::new();
        dir.write("file", "12345");
        let root = dir.0.path().canonicalize().unwrap();
        let e = match pack_with(&dir, || change(&root.join("file"))) {
            Err(e) => e,
            Ok(_) => panic!("a file that {what} is packed"),
        };
        let wanted = format!("{} changed while it was being read", root.join("file").display());
        assert_eq!(e.to_string(), wanted, "{what}");
    }
}

#[test]
fn a_file_that_does_not_change_is_packed_even_if_others_do() {
    let dir = SourceDir::new();
    dir.write("file", "12345");
    let archive = pack_with(&dir, || dir.write("later", "x")).unwrap();
    assert!(archive.windows(6).any(|window| window == b"12345\0"));
}

/// Walks a directory, then calls `between`, then reads the files.
fn pack_with(dir: &SourceDir, between: impl FnOnce()) -> Result<Vec<u8>, PackageError> {
    let source = Source::open(dir.0.path(), None).unwrap();
    let root = File::open(dir.0.path()).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let mut splitter = BlockSplitter::new(|block| {
        blocks.push(block);
        ControlFlow::Continue(())
    });
    walk(&source, root.as_fd(), Times::Own, |entry| splitter.add(entry)).unwrap();
    splitter.finish();
    between();
    let mut archive = Vec::new();
    blocks[0].fill(&mut archive, root.as_fd(), &source).map(|()| archive)
}

/// Overwrites a file without changing its size or modification time. The kernel's clock may be
/// coarse, so this is repeated until the change shows in the file's status time.
fn rewrite_keeping_its_time(path: &Path) {
    let before = path.metadata().unwrap();
    while path.metadata().unwrap().ctime_nsec() == before.ctime_nsec() {
        let mut file = File::options().write(true).open(path).unwrap();
        file.write_all(b"54321").unwrap();
        file.set_modified(before.modified().unwrap()).unwrap();
    }
}

#[test]
fn a_source_behind_a_symlink_is_packed() {
    let dir = SourceDir::new();
    dir.write("sub/file", "x");
    let link = tempfile::tempdir().unwrap();
    symlink(dir.0.path(), link.path().join("link")).unwrap();
    let source = Source::open(&link.path().join("link"), None).unwrap();
    let packed =
        wait(spool(&source, Times::Own, &std::env::temp_dir()).unwrap().finished()).unwrap();
    assert_eq!(packed.entries, 3);
}
