//! Archives of builds, of which the tar is given: whatever it is, nothing is written outside.

use std::fs;
use std::io::Write;

use convox_devrack::build_archive::read;
use convox_package::unpack::Limits;

const LIMITS: Limits = Limits { total: 1 << 20, entry: 1 << 19, entries: 200 };

pub(crate) fn check(bytes: &[u8]) {
    let place = tempfile::tempdir().unwrap();
    let inside = place.path().join("inside");
    fs::create_dir(&inside).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).unwrap();
    match read(&encoder.finish().unwrap()[..], &inside, &LIMITS) {
        Ok(unpacked) => {
            assert!(unpacked.source.starts_with(&inside) && unpacked.source.is_dir());
            assert!(!unpacked.manifest.trim().is_empty());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "nothing beside the directory");
}
