//! The page of exit codes.

use super::markdown::table;
use crate::cli::help::EXIT_CODE_NOTES;
use crate::outcome::Exit;

pub(super) fn body() -> String {
    let numbered = Exit::ALL.iter().filter(|exit| !matches!(exit, Exit::Remote(_)));
    let rows = numbered.map(|exit| [exit.code().to_string(), exit.meaning().to_owned()]);
    format!("{}\n{}", table(["code", "meaning"], rows), EXIT_CODE_NOTES)
}
