//! The browser: `$BROWSER`, or that of the system.

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use super::{ProgramError, launch};

/// How long a browser may take to fail.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens an address in `program`, or else in the browser of the system, and leaves it alone. Blocks
/// for a moment, in which the browser may fail.
///
/// # Errors
/// There is no such program, or it fails at once.
pub(crate) fn open(program: Option<OsString>, url: &str) -> Result<(), ProgramError> {
    let program = program.unwrap_or_else(|| of_system().into());
    launch(Command::new(program).arg(url), PATIENCE)
}

/// The program that opens an address in the browser that the user has chosen.
fn of_system() -> &'static str {
    if cfg!(target_os = "macos") { "open" } else { "xdg-open" }
}
