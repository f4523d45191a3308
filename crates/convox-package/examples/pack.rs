//! Packs a directory into a file, or unpacks one:
//!
//! ```text
//! cargo run -p convox-package --example pack -- pack DIR ARCHIVE
//! cargo run -p convox-package --example pack -- unpack ARCHIVE DIR
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use convox_package::unpack::{self, Limits};
use convox_package::{Source, Times, spool};
use futures_util::TryStreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["pack", dir, archive] => pack(Path::new(dir), Path::new(archive)).await,
        ["unpack", archive, dir] => {
            let unpacked =
                unpack::unpack(File::open(archive)?, Path::new(dir), &Limits::default())?;
            println!("{} entries, {} bytes", unpacked.entries, unpacked.bytes);
            Ok(())
        }
        _ => Err("usage: pack DIR ARCHIVE, or unpack ARCHIVE DIR".into()),
    }
}

async fn pack(dir: &Path, archive: &Path) -> Result<(), Box<dyn Error>> {
    let source = Source::open(dir, None)?;
    let spool = spool(&source, Times::Own, &std::env::temp_dir())?;
    let mut file = File::create(archive)?;
    let mut stream = std::pin::pin!(spool.stream());
    while let Some(bytes) = stream.try_next().await? {
        file.write_all(&bytes)?;
    }
    let packed = spool.finished().await?;
    for warning in &packed.warnings {
        eprintln!("WARNING: {warning}");
    }
    println!("{} entries, {} bytes", packed.entries, packed.length);
    Ok(())
}
