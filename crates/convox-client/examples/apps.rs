//! Lists the apps of a rack, and the newest releases of each, with the typed client.
//!
//! ```text
//! cargo run --example client -- https://convox:PASSWORD@rack.example.com
//! ```

#![allow(clippy::print_stdout)] // an example shows what it found

use std::error::Error;

use convox_client::RackUrl;
use convox_client::rack::{Client, Endpoint, Options, Rack};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(address) = std::env::args().nth(1) else {
        return Err("give the address of a rack, https://convox:PASSWORD@HOST".into());
    };
    let rack = Rack::new(Client::new(endpoint(&address)?, Options::default()));
    for app in rack.apps().await? {
        println!("{} ({})", app.name, app.status);
        for release in rack.releases(&app.name, Some(3)).await? {
            let active = if app.release.as_ref() == Some(&release.id) { "  active" } else { "" };
            println!("  {}{active}", release.id);
        }
    }
    Ok(())
}

/// The address and the password in it, which from here on is never shown.
fn endpoint(address: &str) -> Result<Endpoint, Box<dyn Error>> {
    let address: RackUrl = address.parse()?;
    let mut endpoint = Endpoint::new(address.base().parse()?);
    if let Some(credentials) = address.credentials() {
        endpoint.user.clone_from(&credentials.user);
        endpoint.password = Some(credentials.password.clone());
    }
    Ok(endpoint)
}
