use std::path::PathBuf;

use crate::commands::remote_command;
use crate::context::Context;
use crate::error::CommandError;
use crate::flows::session::{attach, window_size};
use crate::outcome::Outcome;

/// Open a shell on an instance, or run a command there
///
/// 3.x racks need the private key of the instances, see `instances keyroll`. The exit code is that
/// of the command.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox instances ssh i-0a1b2c3d --key rack.pem uptime\n  convox instances ssh i-0a1b2c3d"
)]
pub(crate) struct Args {
    /// File with the private key (v3 racks)
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Instance id
    instance: String,
    /// The command and its arguments; a shell by default
    #[arg(value_name = "COMMAND", num_args = 0.., trailing_var_arg = true)]
    #[arg(allow_hyphen_values = true)]
    command: Vec<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let key = match &args.key {
        Some(file) => Some(cx.read_given(file).await?),
        None => None,
    };
    let command = (!args.command.is_empty()).then(|| remote_command(&args.command));
    let rack = cx.rack().await?;
    let size = window_size(cx);
    let session = rack
        .instance_shell(&args.instance, command.as_deref(), key.as_deref(), size)
        .await
        .map_err(|error| {
            let failure = CommandError::from(error);
            match key {
                Some(_) => failure,
                None => failure.hint("3.x racks need the private key: --key FILE"),
            }
        })?;
    let code = attach(cx, session).await.map_err(|error| {
        error.into_command_error(vec!["the command may still be running on the instance".into()])
    })?;
    let status = code.map_or(0, convox_client::rack::ExitCode::status);
    Ok(Outcome::streamed().with_remote_exit(status))
}
