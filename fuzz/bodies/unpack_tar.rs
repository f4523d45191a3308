//! The files that `cp` gets: an uncompressed tar of a process, whose names may be absolute.

use std::fs;

use convox_package::unpack::{Limits, unpack_tar};

use super::unpack::stays_inside;

const LIMITS: Limits = Limits { total: 1 << 20, entry: 1 << 19, entries: 200 };

pub(crate) fn check(bytes: &[u8]) {
    let place = tempfile::tempdir().unwrap();
    let (inside, outside) = (place.path().join("inside"), place.path().join("outside"));
    fs::write(&outside, "untouched").unwrap();
    match unpack_tar(bytes, &inside, &LIMITS) {
        Ok(done) => assert!(done.bytes <= LIMITS.total && done.entries <= LIMITS.entries),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "untouched");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "nothing beside the directory");
    stays_inside(&inside, &inside.canonicalize().unwrap());
}
