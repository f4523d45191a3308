//! Lists the apps of a rack, and the newest releases of each.
//!
//! ```text
//! cargo run -p convox-client --example apps -- https://convox:PASSWORD@rack.example.com
//! ```

#![allow(clippy::print_stdout)] // an example prints what it found

use std::error::Error;

use convox_client::{Rack, RackUrl};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: apps https://convox:PASSWORD@HOST")?;
    let rack = Rack::connect(&url.parse::<RackUrl>()?);
    for app in rack.apps().await? {
        println!("{} ({})", app.name, app.status);
        for release in rack.releases(&app.name, Some(3)).await? {
            let active = if app.release.as_ref() == Some(&release.id) { "  active" } else { "" };
            println!("  {}{active}", release.id);
        }
    }
    Ok(())
}
