//! Programs that only some tests need.

#![allow(clippy::print_stderr)] // messages of tests

use super::process::path;

/// Whether all of these programs are installed. If not, the test is to be skipped, and a message
/// names it.
pub fn is_installed(programs: &[&str]) -> bool {
    let mut directories: Vec<_> = std::env::split_paths(&path()).collect();
    directories.extend(convox_devrack::server_directories());
    let is_missing = |program: &&&str| !directories.iter().any(|dir| dir.join(**program).is_file());
    let Some(missing) = programs.iter().find(is_missing) else { return true };
    let thread = std::thread::current();
    eprintln!("skipped: {}: {missing} is not installed", thread.name().unwrap_or("a test"));
    false
}
