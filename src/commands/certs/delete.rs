use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use serde::Serialize;

/// Delete a certificate
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox certs delete cert-a1b2c3\n  convox certs delete cert-a1b2c3 -r acme/production"
)]
pub(crate) struct Args {
    /// Certificate id
    certificate: String,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let id = args.certificate;
    let rack = cx.rack().await?;
    let delete = async {
        let done = rack.delete_certificate(&id).await;
        done.map_err(|error| {
            CommandError::about_named(error, Hint::command("list certificates with", "certs"))
        })
    };
    cx.step(format!("Deleting certificate {id}"), delete).await?;
    Ok(Outcome::json(Deleted { deleted: id }))
}

#[derive(Serialize)]
struct Deleted {
    deleted: String,
}
