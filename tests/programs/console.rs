//! The console for tests in a process of its own, in front of racks that run elsewhere:
//!
//! ```sh
//! cargo run --example console -- acme/production=http://convox:PASSWORD@127.0.0.1:5000
//! ```
//!
//! Its password is in `CONVOX_PASSWORD`. It prints its address, keeps everything in memory, and has
//! neither users nor TLS: it is for tests, not to work with.

#![allow(clippy::disallowed_methods, clippy::print_stdout, missing_docs)] // not a part of the program

use std::error::Error;

use convox_devrack::console::{Console, Fault, Required, Target};
use tokio::net::TcpListener;
use url::Url;

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str =
    "usage: console [--session | --second-factor] [--machine] ORGANIZATION/NAME=URL...
Those after --machine are machines. CONVOX_PASSWORD is the password of the console.";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (mut racks, mut machines) = (Vec::new(), Vec::new());
    let (mut required, mut is_machine) = (Required::Password, false);
    for arg in std::env::args().skip(1) {
        match arg.as_str() {
            "--session" => required = Required::Session,
            "--second-factor" => required = Required::SecondFactor,
            "--machine" => is_machine = true,
            _ if is_machine => machines.push(target(&arg)?),
            _ => racks.push(target(&arg)?),
        }
    }
    let password = std::env::var("CONVOX_PASSWORD").map_err(|_| USAGE)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("A console for tests is running at {}", listener.local_addr()?);
    let console = Console::new(password, racks, machines, |_| Fault::Pass);
    console.require(required);
    Ok(console.serve(listener).await?)
}

/// Parses `ORGANIZATION/NAME=http://convox:PASSWORD@ADDRESS`.
fn target(arg: &str) -> Result<Target, Failure> {
    let (name, url) = arg.split_once('=').ok_or(USAGE)?;
    let url: Url = url.parse()?;
    let address = url.socket_addrs(|| None)?.into_iter().next().ok_or(USAGE)?;
    let password = url.password().unwrap_or_default().to_owned().into();
    Ok(Target { name: name.to_owned(), address, password })
}
