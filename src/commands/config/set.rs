use std::path::PathBuf;

use serde::Serialize;

use crate::commands::restart::restart_all;
use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;
use convox_wire::{AppName, ServiceName};

/// Create or replace a config of an app
///
/// Running processes see the new value after a restart.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox config set nginx.conf --file nginx.conf --restart\n  \
                        convox config set nginx.conf < nginx.conf")]
pub(crate) struct Args {
    /// Name of the config
    name: String,
    /// File with the value; - is stdin
    #[arg(short, long, value_name = "FILE", conflicts_with = "value")]
    file: Option<PathBuf>,
    /// The value itself; - reads it from stdin
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    value: Option<String>,
    /// Restart the services of the app
    #[arg(long)]
    restart: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let value = value(&args, cx).await?;
    let app = cx.app()?;
    let rack = cx.rack().await?;
    rack.set_config(&app, &args.name, &value).await?;
    cx.emit(Event::Done(None))?;
    let restarted = match args.restart {
        true => restart_all(cx, &rack, &app).await?,
        false => Vec::new(),
    };
    Ok(Outcome::json(Set { app, name: args.name, restarted }))
}

async fn value(args: &Args, cx: &Context) -> Result<Vec<u8>, CommandError> {
    match (&args.file, &args.value) {
        (Some(file), _) => cx.read_given(file).await,
        (None, Some(text)) if text == "-" => cx.read_stdin().await,
        (None, Some(text)) => Ok(text.clone().into_bytes()),
        (None, None) => Err(CommandError::new("--file or --value flag is required")),
    }
}

#[derive(Serialize)]
struct Set {
    app: AppName,
    name: String,
    restarted: Vec<ServiceName>,
}
