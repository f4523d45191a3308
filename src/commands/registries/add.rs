use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::settings::Secret;

/// Allow a rack to pull images from a registry
///
/// Other users of this machine can see a password on the command line. Without it, the password is
/// asked for on a terminal.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox registries add ghcr.io ada --password-env GHCR_TOKEN\n  convox registries add quay.io ada --password-stdin < token"
)]
pub(crate) struct Args {
    /// Host of the registry, with its port and path if needed
    server: String,
    /// User
    username: String,
    /// Password
    #[arg(conflicts_with_all = ["password_env", "password_stdin"])]
    password: Option<String>,
    /// Environment variable with the password
    #[arg(long, value_name = "NAME", conflicts_with = "password_stdin")]
    password_env: Option<String>,
    /// Read the password from the first line of stdin
    #[arg(long)]
    password_stdin: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let password = password(&args, cx).await?;
    let Args { server, username, .. } = args;
    let rack = cx.rack().await?;
    let add = async { Ok(rack.add_registry(&server, &username, &password).await?) };
    cx.step("Adding registry", add).await?;
    Ok(Outcome::json(Added { server, username }))
}

async fn password(args: &Args, cx: &Context) -> Result<Secret, CommandError> {
    if let Some(password) = &args.password {
        return Ok(Secret::from(password.clone()));
    }
    if let Some(name) = &args.password_env {
        let missing = || CommandError::usage(format!("the environment variable {name} is not set"));
        return cx.settings.secret_variable(name).ok_or_else(missing);
    }
    if args.password_stdin {
        let line = cx.read_secret_line().await?;
        return line.ok_or_else(|| CommandError::usage("no password was given on stdin"));
    }
    if !cx.can_ask() {
        return Err(CommandError::usage("no password was given")
            .hint("give it with --password-env or --password-stdin"));
    }
    cx.ask_secret("Password: ").await
}

#[derive(Serialize)]
struct Added {
    server: String,
    username: String,
}
