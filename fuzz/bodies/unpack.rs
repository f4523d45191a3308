//! Unpacking: a tar archive that is compressed first, or, after an `!`, a file that may be gzip.

use std::fs;
use std::io::Write;
use std::path::Path;

use convox_package::unpack::{Limits, unpack};

const LIMITS: Limits = Limits { total: 1 << 20, entry: 1 << 19, entries: 200 };

pub(crate) fn check(bytes: &[u8]) {
    let archive = match bytes.split_first() {
        Some((b'!', rest)) => rest.to_vec(),
        _ => gzip(bytes),
    };
    let place = tempfile::tempdir().unwrap();
    let (inside, outside) = (place.path().join("inside"), place.path().join("outside"));
    fs::write(&outside, "untouched").unwrap();
    let result = unpack(&archive[..], &inside, &LIMITS);
    if let Ok(done) = &result {
        assert!(done.bytes <= LIMITS.total && done.entries <= LIMITS.entries);
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "untouched");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "nothing beside the folder");
    stays_inside(&inside, &inside.canonicalize().unwrap());
}

/// No link leads out of the directory.
pub(crate) fn stays_inside(folder: &Path, root: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            if let Ok(end) = entry.path().canonicalize() {
                assert!(end.starts_with(root), "{:?} leads to {end:?}", entry.path());
            }
        } else if kind.is_dir() {
            stays_inside(&entry.path(), root);
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
