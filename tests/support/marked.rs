//! The processes that a development rack has started, as the system lists them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The variable by which a rack marks its processes. Its value is `DATA/running/ID`.
const MARK: &[u8] = b"CONVOX_DEV_PROCESS=";

/// The ids of the running processes that carry the mark of the rack with this data directory
/// (Linux: proc(5), `environ`).
pub(crate) fn marked(data: &Path) -> BTreeSet<OsString> {
    let running = data.canonicalize().unwrap().join("running");
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    // Some end while they are read, and zombies have no environment.
    let environments = processes.filter_map(|process| fs::read(process.join("environ")).ok());
    let values = environments.filter_map(|environment| {
        let mut entries = environment.split(|byte| *byte == 0);
        entries.find_map(|entry| entry.strip_prefix(MARK)).map(<[u8]>::to_vec)
    });
    let ids = values.filter_map(|value| {
        let path = PathBuf::from(OsString::from_vec(value));
        Some(path.strip_prefix(&running).ok()?.iter().next()?.to_owned())
    });
    ids.collect()
}
