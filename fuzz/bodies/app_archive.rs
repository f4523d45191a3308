//! Exported apps, of which the tar is given: what can be read is written again, and nothing is left.

use std::fs;
use std::io::Write;

use convox::app_archive::AppArchive;
use convox_package::unpack::Limits;

const LIMITS: Limits = Limits { total: 1 << 20, entry: 1 << 19, entries: 200 };

pub(crate) fn check(bytes: &[u8]) {
    let place = tempfile::tempdir().unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).unwrap();
    let gzip = encoder.finish().unwrap();
    match AppArchive::unpack(&gzip[..], place.path(), &LIMITS) {
        Ok(archive) => again(&archive, place.path()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "nothing is left");
}

fn again(archive: &AppArchive, temp_dir: &std::path::Path) {
    let resources = archive.resources().unwrap_or_default();
    assert!(resources.is_sorted());
    for name in &resources {
        assert!(!name.contains('/'), "{name:?}");
    }
    let Ok(app) = archive.app() else { return };
    let copy = AppArchive::new(temp_dir).unwrap();
    copy.put_app(&app).unwrap();
    let env = archive.env().ok().flatten();
    if let Some(env) = &env {
        copy.put_env(env).unwrap();
    }
    let mut packed = Vec::new();
    copy.pack(&mut packed).unwrap();
    let copy = AppArchive::unpack(&packed[..], temp_dir, &Limits::default()).unwrap();
    assert_eq!(copy.app().unwrap(), app);
    assert_eq!(copy.env().unwrap(), env);
    assert!(!copy.has_build());
}
