//! Tasks of the project's development. `cargo xtask docs` writes the generated pages of the
//! documentation.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program of its own

use std::io;
use std::path::Path;
use std::process::ExitCode;

use convox::reference::pages;

fn main() -> ExitCode {
    let tasks: Vec<String> = std::env::args().skip(1).collect();
    if tasks != ["docs"] {
        eprintln!("usage: cargo xtask docs");
        return ExitCode::from(2);
    }
    match write_pages() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ERROR: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the pages that have changed.
fn write_pages() -> io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/reference");
    for page in pages() {
        let path = directory.join(page.file);
        if std::fs::read_to_string(&path).is_ok_and(|text| text == page.text) {
            continue;
        }
        std::fs::write(&path, &page.text).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        println!("docs/src/reference/{}", page.file);
    }
    Ok(())
}
