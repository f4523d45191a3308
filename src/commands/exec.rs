use super::remote_command;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::session::{attach, window_size};
use crate::outcome::Outcome;
use convox_client::rack::ExecOptions;
use convox_wire::ProcessId;

/// Run a command in a running process
///
/// On a terminal every key goes to the command, Ctrl-C too. The exit code is that of the command.
/// On 3.x racks the name of a service stands for any of its processes.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox exec web-6d5f-x2x sh\n  \
                        convox exec web-6d5f-x2x -- ls -la /tmp")]
pub(crate) struct Args {
    /// Process id, or a service
    #[arg(value_name = "PROCESS")]
    process: ProcessId,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, num_args = 1.., trailing_var_arg = true)]
    #[arg(allow_hyphen_values = true)]
    command: Vec<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let options = ExecOptions {
        command: remote_command(&args.command),
        size: window_size(cx),
        no_tty: !cx.ui.can_ask(),
        ..ExecOptions::default()
    };
    let attached = async { attach(cx, rack.exec(&app, &args.process, &options).await?).await };
    let code = attached.await.map_err(|error| {
        error.into_command_error(vec![
            "the command may still be running in the process".into(),
            Hint::command("list processes with", "ps"),
        ])
    })?;
    let status = code.map_or(0, convox_client::rack::ExitCode::status);
    Ok(Outcome::streamed().with_remote_exit(status))
}
