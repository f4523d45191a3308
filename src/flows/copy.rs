//! Files between this machine and a process: archives that are made and unpacked as they go.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::destination::{parent, unwritable};
use super::transfer::Bar;
use crate::context::Context;
use crate::error::CommandError;
use convox_client::transport::{Download, Upload};
use convox_package::header;
use convox_package::unpack::{Limits, unpack_tar};

/// Pieces on their way between a thread and a connection.
const IN_FLIGHT: usize = 4;
/// How long to wait for the end of a thread that has no more input.
const LONGEST_END: Duration = Duration::from_secs(5);
/// The size of one piece, in bytes.
const PIECE: usize = 64 << 10;

/// A file or directory as an uncompressed tar, in which it has another name.
pub(crate) struct TreeUpload {
    source: PathBuf,
    name: PathBuf,
}

impl TreeUpload {
    /// The archive of `source`, whose entries are `name` and what is below it.
    pub(crate) fn new(source: PathBuf, name: PathBuf) -> Self {
        Self { source, name }
    }
}

impl Upload for TreeUpload {
    fn length(&self) -> Option<u64> {
        None
    }

    fn open(&self) -> BoxStream<'static, io::Result<Bytes>> {
        let (sender, pieces) = mpsc::channel(IN_FLIGHT);
        let (source, name) = (self.source.clone(), self.name.clone());
        let pack = move || {
            let out = BufWriter::with_capacity(PIECE, Pieces(sender.clone()));
            if let Err(error) = pack(&source, &name, out) {
                // A connection that is gone needs no error.
                let _ = sender.blocking_send(Err(error));
            }
        };
        tokio::task::spawn_blocking(pack);
        stream::unfold(pieces, |mut pieces| async move {
            pieces.recv().await.map(|piece| (piece, pieces))
        })
        .boxed()
    }
}

/// Writes the archive of a tree.
fn pack(source: &Path, name: &Path, mut out: impl Write) -> io::Result<()> {
    pack_entry(source, name, &mut out)?;
    // Two empty records end an archive.
    out.write_all(&[0; 1024])?;
    out.flush()
}

fn pack_entry(source: &Path, name: &Path, out: &mut impl Write) -> io::Result<()> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", source.display()));
    let about = fs::symlink_metadata(source).map_err(named)?;
    let mut header = tar::Header::new_gnu();
    header.set_mode(about.permissions().mode() & 0o7777);
    header.set_mtime(u64::try_from(about.mtime()).unwrap_or(0));
    header.set_size(0);
    let kind = about.file_type();
    if kind.is_dir() {
        header.set_entry_type(tar::EntryType::Directory);
        write_header(header, name, OsStr::new(""), out)?;
        let mut entries: Vec<_> = fs::read_dir(source).map_err(named)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            pack_entry(&entry.path(), &name.join(entry.file_name()), out)?;
        }
        return Ok(());
    }
    if kind.is_symlink() {
        header.set_entry_type(tar::EntryType::Symlink);
        let target = fs::read_link(source).map_err(named)?;
        return write_header(header, name, target.as_os_str(), out);
    }
    if !kind.is_file() {
        return Ok(()); // sockets, pipes and devices have no content to copy
    }
    header.set_size(about.len());
    write_header(header, name, OsStr::new(""), out)?;
    let mut content = fs::File::open(source).map_err(named)?.take(about.len());
    let length = io::copy(&mut content, out).map_err(named)?;
    if length < about.len() {
        return Err(named(io::Error::other("it became shorter while it was read")));
    }
    let end = usize::try_from(length % 512).unwrap_or(0);
    out.write_all(&[0; 512][..header::padding(end)])
}

fn write_header(
    header: tar::Header,
    name: &Path,
    target: &OsStr,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut records = Vec::with_capacity(512);
    header::write_header(&mut records, header, name.as_os_str().as_bytes(), target.as_bytes());
    out.write_all(&records)
}

/// A writer that hands on each write as a piece.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Unpacks a tar from a rack into a new directory beside `destination`, where nothing of it can
/// lead elsewhere. The directory is removed with the returned value.
///
/// # Errors
/// The connection broke, or the archive can't be unpacked.
pub(crate) async fn fetch(
    cx: &Context,
    download: Download,
    destination: &Path,
) -> Result<TempDir, CommandError> {
    let directory = tempfile::Builder::new().prefix(".convox-").tempdir_in(parent(destination));
    let directory = directory.map_err(|error| unwritable(destination, error))?;
    let (running, ended) = std::sync::mpsc::channel::<()>();
    let _ended = Ended(ended);
    let (sender, pieces) = mpsc::channel(IN_FLIGHT);
    let into = directory.path().to_owned();
    let unpacking = tokio::task::spawn_blocking(move || {
        let _running = running;
        unpack_tar(Received { pieces, piece: Bytes::new() }, &into, &Limits::default())
    });
    let mut bar = Bar::begin(cx, "Copying", download.length())?;
    let received = receive(download, sender, &mut bar).await;
    let unpacked = unpacking.await;
    received?;
    match unpacked {
        Ok(Ok(_)) => bar.finish()?,
        Ok(Err(error)) => return Err(CommandError::new(error).hint("nothing was copied")),
        Err(error) => return Err(CommandError::while_doing("can't unpack the archive", error)),
    };
    Ok(directory)
}

/// Waits for the end of the thread that unpacks, which comes with that of its input: a directory that
/// is still being written can't be removed.
struct Ended(std::sync::mpsc::Receiver<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        // The thread sends nothing: it is over once its end of the channel is gone.
        let _ = self.0.recv_timeout(LONGEST_END);
    }
}

async fn receive(
    mut download: Download,
    sender: mpsc::Sender<Bytes>,
    bar: &mut Bar<'_>,
) -> Result<(), CommandError> {
    while let Some(piece) = download.next().await? {
        bar.advance(piece.len())?;
        if sender.send(piece).await.is_err() {
            break; // unpacking has failed, and says why
        }
    }
    Ok(())
}

/// A reader of pieces.
struct Received {
    pieces: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Received {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(into.len());
        into[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

/// Moves what was fetched to its destination: a file gets the exact name, or goes into a directory
/// that is there; the content of a directory joins what is there.
///
/// # Errors
/// The system's.
pub(crate) fn put(from: &Path, destination: &Path, name: &OsStr) -> io::Result<()> {
    let is_directory = fs::symlink_metadata(from)?.is_dir();
    match fs::metadata(destination) {
        Ok(there) if there.is_dir() && is_directory => {
            for entry in fs::read_dir(from)? {
                let entry = entry?;
                join(&entry.path(), &destination.join(entry.file_name()))?;
            }
            Ok(())
        }
        Ok(there) if there.is_dir() => fs::rename(from, destination.join(name)),
        _ => fs::rename(from, destination),
    }
}

/// Moves an entry over one of the same name: directories are joined, anything else is replaced.
fn join(from: &Path, to: &Path) -> io::Result<()> {
    let both = fs::symlink_metadata(from)?.is_dir() && to.is_dir();
    if both { put(from, to, OsStr::new("")) } else { fs::rename(from, to) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_packed_under_another_name_with_modes_links_and_long_names() {
        let root = tempfile::tempdir().unwrap();
        let tree = root.path().join("tree");
        let long = "n".repeat(150);
        fs::create_dir_all(tree.join("sub")).unwrap();
        fs::write(tree.join("sub/run.sh"), "run").unwrap();
        fs::set_permissions(tree.join("sub/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(tree.join(&long), vec![7; 1000]).unwrap();
        std::os::unix::fs::symlink("sub/run.sh", tree.join("link")).unwrap();
        let mut bytes = Vec::new();
        pack(&tree, Path::new("/srv/d"), &mut bytes).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            (name, entry.header().mode().unwrap() & 0o100, entry.size())
        });
        let entries: Vec<_> = entries.collect();
        let names: Vec<&str> = entries.iter().map(|(name, ..)| name.as_str()).collect();
        let long = format!("/srv/d/{long}");
        assert_eq!(names, ["/srv/d", "/srv/d/link", &long, "/srv/d/sub", "/srv/d/sub/run.sh"]);
        assert_eq!((entries[2].1, entries[2].2), (0, 1000));
        assert_eq!((entries[4].1, entries[4].2), (0o100, 3));
    }

    #[test]
    fn a_file_gets_its_exact_name_or_goes_into_a_directory_and_directories_are_joined() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("file"), "1").unwrap();
        put(&at("file"), &at("exact"), OsStr::new("file")).unwrap();
        fs::create_dir(at("there")).unwrap();
        put(&at("exact"), &at("there"), OsStr::new("file")).unwrap();
        assert_eq!(fs::read(at("there/file")).unwrap(), b"1");
        fs::create_dir_all(at("new/sub")).unwrap();
        fs::write(at("new/file"), "2").unwrap();
        fs::create_dir_all(at("there/sub")).unwrap();
        fs::write(at("there/sub/old"), "kept").unwrap();
        put(&at("new"), &at("there"), OsStr::new("new")).unwrap();
        assert_eq!(fs::read(at("there/file")).unwrap(), b"2");
        assert_eq!(fs::read(at("there/sub/old")).unwrap(), b"kept");
    }
}
