//! Apps that build and start in no time.

use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A service that does nothing.
pub(crate) const IDLE: &str = "services:\n  web:\n    command: sleep 600\n";

/// The same, whose build takes half a second and says so line by line.
const TALKING: &str =
    "services:\n  web:\n    command: sleep 600\n    x-dev:\n      build: sh build.sh\n";

const BUILD: &str =
    "i=1\nwhile [ $i -le 24 ]; do echo \"step $i of the build\"; sleep 0.02; i=$((i+1)); done\n";

/// A service that tells numbers, then does nothing.
pub(crate) fn telling(lines: usize, pause: &str) -> Vec<u8> {
    let script = format!(
        "i=1\nwhile [ $i -le {lines} ]; do echo \"tick $i of {lines}\"; {pause} i=$((i+1)); done\nexec sleep 600\n"
    );
    archive(&[("convox.yml", "services:\n  web:\n    command: sh tell.sh\n"), ("tell.sh", &script)])
}

/// Writes a source whose build talks.
pub(crate) fn write_source(folder: &Path) {
    std::fs::write(folder.join("convox.yml"), TALKING).unwrap();
    std::fs::write(folder.join("build.sh"), BUILD).unwrap();
}

/// A gzip of a tar of these files.
pub(crate) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}
