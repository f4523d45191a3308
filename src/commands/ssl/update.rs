use crate::context::Context;
use crate::error::CommandError;
use crate::flows::app::wait_until_updated;
use crate::outcome::Outcome;
use convox_wire::{AppName, ServiceName};
use serde::Serialize;

/// Set the certificate of a port (apps of the first generation)
///
/// Waits until the app is running with it.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox ssl update web:443 cert-a1b2c3\n  convox ssl update web:443 cert-a1b2c3 -a convox-guide"
)]
pub(crate) struct Args {
    /// Service and port
    #[arg(value_name = "PROCESS:PORT")]
    endpoint: String,
    /// Certificate id
    certificate: String,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    if rack.app(&app).await?.generation.as_deref() == Some("2") {
        return Err(CommandError::new("command not valid for generation 2 applications")
            .hint("the rack chooses the certificate of a service by its domains in convox.yml"));
    }
    let (service, port) = endpoint(&args.endpoint).ok_or_else(|| {
        CommandError::new("process:port required as first argument").hint("for example web:443")
    })?;
    let certificate = args.certificate;
    let update = async {
        rack.set_certificate(&app, &service, port, &certificate).await?;
        wait_until_updated(cx, &rack, &app, cx.wait_limit()).await
    };
    cx.step("Updating certificate", update).await?;
    Ok(Outcome::json(Updated { app, service, port, certificate }))
}

fn endpoint(text: &str) -> Option<(ServiceName, u16)> {
    let (service, port) = text.rsplit_once(':')?;
    Some((service.parse().ok()?, port.parse().ok()?))
}

#[derive(Serialize)]
struct Updated {
    app: AppName,
    service: ServiceName,
    port: u16,
    certificate: String,
}
