use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_wire::AppName;
use serde::Serialize;

/// Renew the certificate of an app
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox certs renew -a convox-guide\n  convox certs renew")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let renew = async { Ok(rack.renew_certificate(&app).await?) };
    cx.step(format!("Renewing certificate {app}"), renew).await?;
    Ok(Outcome::json(Renewed { app }))
}

#[derive(Serialize)]
struct Renewed {
    app: AppName,
}
