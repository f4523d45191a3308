//! Packing through the public interface, checked with other readers of archives.

mod contents;
mod errors;
mod rules;
mod survey;

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use futures_util::TryStreamExt;
use tempfile::TempDir;

use super::unpack::{Limits, unpack};
use super::*;

/// A source directory with a `convox.yml`.
struct SourceDir(TempDir);

impl SourceDir {
    fn new() -> Self {
        let dir = Self(tempfile::tempdir().unwrap());
        dir.write("convox.yml", "services: {}\n");
        dir
    }

    fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn spool(&self, times: Times) -> Spool {
        spool(&Source::open(self.0.path(), None).unwrap(), times, &std::env::temp_dir()).unwrap()
    }

    /// Returns the archive and its summary.
    fn pack(&self) -> (Vec<u8>, Packed) {
        let spool = self.spool(Times::Fixed(1_500_000_000));
        wait(async { (read(&spool).await.unwrap(), spool.finished().await.unwrap()) })
    }

    fn failure(&self) -> PackageError {
        wait(self.spool(Times::Own).finished()).unwrap_err()
    }

    /// Returns the names in the archive, as Python reads them.
    fn names(&self) -> Vec<String> {
        list(&self.pack().0).into_iter().map(|entry| entry.name).collect()
    }

    fn warnings(&self) -> Vec<String> {
        self.pack().1.warnings.iter().map(Warning::to_string).collect()
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn read(spool: &Spool) -> Result<Vec<u8>, PackageError> {
    spool.stream().map_ok(|bytes| bytes.to_vec()).try_concat().await
}

/// An entry of an archive as Python's tarfile reads it.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Listed {
    name: String,
    kind: String,
    mode: u32,
    link: String,
    size: u64,
    mtime: i64,
    owner: String,
    sum: u64,
}

/// Lists an archive with Python's gzip and tarfile modules. Directories get a slash at the end,
/// invalid UTF-8 becomes `\u{fffd}`.
fn list(archive: &[u8]) -> Vec<Listed> {
    const SCRIPT: &str = "
import gzip, io, json, sys, tarfile, zlib
plain = gzip.decompress(sys.stdin.buffer.read())
assert len(plain) % 512 == 0
show = lambda name: name.encode('utf-8', 'surrogateescape').decode('utf-8', 'replace')
out = []
tar = tarfile.open(fileobj=io.BytesIO(plain), mode='r:', encoding='utf-8')
for m in tar.getmembers():
    content = tar.extractfile(m).read() if m.isreg() else b''
    kind = {b'0': 'file', b'1': 'hard', b'2': 'link', b'5': 'directory', b'6': 'fifo'}[m.type]
    out.append(dict(name=show(m.name) + ('/' if m.isdir() else ''), kind=kind, mode=m.mode,
        link=show(m.linkname), size=m.size, mtime=int(m.mtime), sum=zlib.crc32(content),
        owner='%d:%d:%s:%s' % (m.uid, m.gid, m.uname, m.gname)))
json.dump(out, sys.stdout)
";
    let printed = pipe(Command::new("python3").args(["-c", SCRIPT]), archive);
    serde_json::from_slice(&printed).unwrap()
}

/// Runs a program with this input. Returns its output.
fn pipe(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{command:?}");
    output.stdout
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
