//! Follows the log of an app. The stream is resumed if the connection breaks.
//!
//! ```text
//! cargo run -p convox-client --example logs -- https://convox:PASSWORD@rack.example.com APP
//! ```

use std::error::Error;
use std::io::Write;

use convox_client::rack::{LogEvent, LogOptions, LogSource};
use convox_client::wire::AppName;
use convox_client::{Rack, RackUrl};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(app)) = (args.next(), args.next()) else {
        return Err("usage: logs https://convox:PASSWORD@HOST APP".into());
    };
    let (url, app): (RackUrl, AppName) = (url.parse()?, app.parse()?);
    let mut log = Rack::connect(&url).app_log(&LogSource::App(app), LogOptions::default());
    loop {
        match log.next().await? {
            LogEvent::Text(lines) => std::io::stdout().write_all(&lines)?,
            LogEvent::Resumed(notice) => writeln!(std::io::stderr(), "{notice}")?,
            LogEvent::Ended | LogEvent::NotReady(_) => return Ok(()),
        }
    }
}
