//! Apps that are built and started within milliseconds.

use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A service that does nothing.
pub(crate) const IDLE: &str = "services:\n  web:\n    command: sleep 600\n";

/// The same, with a build that takes half a second and logs lines.
const LOGGING: &str =
    "services:\n  web:\n    command: sleep 600\n    x-dev:\n      build: sh build.sh\n";

const BUILD: &str =
    "i=1\nwhile [ $i -le 24 ]; do echo \"step $i of the build\"; sleep 0.02; i=$((i+1)); done\n";

/// The archive of a service that logs numbers, then does nothing.
pub(crate) fn ticking(lines: usize, pause: &str) -> Vec<u8> {
    let script = format!(
        "i=1\nwhile [ $i -le {lines} ]; do echo \"tick $i of {lines}\"; {pause} i=$((i+1)); done\nexec sleep 600\n"
    );
    archive(&[("convox.yml", "services:\n  web:\n    command: sh tick.sh\n"), ("tick.sh", &script)])
}

/// Writes the source of an app whose build logs lines.
pub(crate) fn write_source(directory: &Path) {
    std::fs::write(directory.join("convox.yml"), LOGGING).unwrap();
    std::fs::write(directory.join("build.sh"), BUILD).unwrap();
}

/// A compressed archive of these files.
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
