//! Files that cannot be packed, spools that are not waited for.

use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;

use futures_util::{StreamExt, pin_mut};

use super::super::block::{Block, Cutter};
use super::super::header::{Entry, FileId, Kind};
use super::*;

#[test]
fn a_socket_is_left_out_and_named() {
    let folder = Folder::new();
    let _listener = UnixListener::bind(folder.at("app.sock")).unwrap();
    assert_eq!(folder.names(), ["convox.yml"]);
    assert_eq!(folder.warnings(), ["app.sock is a socket and was left out"]);
}

#[test]
fn an_unreadable_file_or_folder_ends_the_packing_with_its_name() {
    let folder = Folder::new();
    folder.write("sub/secret", "x");
    for name in ["sub/secret", "sub"] {
        let whole = folder.at(name).metadata().unwrap().permissions();
        fs::set_permissions(folder.at(name), Permissions::from_mode(0o0)).unwrap();
        let readable =
            fs::read_dir(folder.at("sub")).is_ok() && fs::read(folder.at("sub/secret")).is_ok();
        if !readable {
            let wanted = format!(
                "cannot read {}: permission denied, change its permissions or list it in .dockerignore",
                folder.at(name).canonicalize().unwrap_or(folder.at(name)).display()
            );
            assert_eq!(folder.failure().to_string(), wanted);
        }
        fs::set_permissions(folder.at(name), whole).unwrap();
    }
}

#[test]
fn the_words_for_an_unreadable_file_say_what_to_do() {
    let e = PackageError::reading("/app/key.pem", std::io::Error::from_raw_os_error(13));
    let wanted = "cannot read /app/key.pem: permission denied, change its permissions or list it in .dockerignore";
    assert_eq!(e.to_string(), wanted);
    let e = PackageError::reading("/app/disk", std::io::Error::from_raw_os_error(5));
    assert_eq!(e.to_string(), "cannot read /app/disk: input/output error");
    let e = PackageError::spooling(ErrorKind::StorageFull.into());
    assert!(e.to_string().starts_with("no space left for the archive in /"), "{e}");
    assert!(e.to_string().contains("set TMPDIR to a folder with room"));
}

#[test]
fn a_stream_follows_the_spool_while_it_grows_and_starts_anew_each_time() {
    let folder = Folder::new();
    folder.write("large", noise(6_000_000));
    let spool = folder.spool(Times::Own);
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
    let folder = Folder::new();
    folder.write("large", noise(6_000_000));
    let spool = folder.spool(Times::Own);
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
fn a_file_that_shrinks_is_an_error_and_one_that_grows_is_not() {
    let folder = Folder::new();
    folder.write("file", "12345");
    let root = File::open(folder.0.path()).unwrap();
    let fill = |size| {
        let mut blocks: Vec<Block> = Vec::new();
        let mut cutter = Cutter::new(|block| {
            blocks.push(block);
            std::ops::ControlFlow::Continue(())
        });
        let kind = Kind::File { size, id: FileId { device: 0, inode: 0 } };
        let path = b"file".as_slice().into();
        assert!(cutter.add(Entry { path, kind, mode: 0o644, mtime: 0 }).is_continue());
        cutter.finish();
        let mut archive = Vec::new();
        blocks[0].fill(&mut archive, root.as_fd(), Path::new("/root")).map(|()| archive)
    };
    assert_eq!(&fill(3).unwrap()[512..516], b"123\0");
    let e = fill(6).unwrap_err().to_string();
    assert!(e.starts_with("/root/file changed while it was being read"), "{e}");
    let e = fill(5_000_000).unwrap_err();
    assert!(matches!(e, PackageError::Changed(_)), "another file has taken its place");
}

#[test]
fn a_source_behind_a_symlink_is_packed_whole() {
    let folder = Folder::new();
    folder.write("sub/file", "x");
    let link = tempfile::tempdir().unwrap();
    symlink(folder.0.path(), link.path().join("link")).unwrap();
    let source = Source::open(&link.path().join("link"), None).unwrap();
    let packed = wait(spool(&source, Times::Own).unwrap().finished()).unwrap();
    assert_eq!(packed.entries, 3);
}
