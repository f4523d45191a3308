use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_client::rack::CertificateOptions;
use convox_wire::duration::GoDuration;
use serde::Serialize;

/// Have the rack make a certificate
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox certs generate www.example.org --issuer letsencrypt\n  convox certs generate www.example.org example.org"
)]
pub(crate) struct Args {
    /// Domains
    #[arg(value_name = "DOMAIN", required = true, value_parser = super::domain)]
    domains: Vec<String>,
    /// letsencrypt; self-signed by default (v3 racks)
    #[arg(long, value_name = "ISSUER")]
    issuer: Option<String>,
    /// How long it is valid, for example 2160h (v3 racks)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let options = CertificateOptions { issuer: args.issuer, duration: args.duration };
    let rack = cx.rack().await?;
    let generate = async { Ok(rack.generate_certificate(&args.domains, &options).await?) };
    let made =
        cx.step_with("Generating certificate", generate, |made| Some(made.id.clone())).await?;
    Ok(Outcome::json(Made { id: made.id.clone(), domain: made.domain }).with_id(&made.id))
}

/// Checks a duration, which is sent as it is.
fn duration(text: &str) -> Result<String, String> {
    match text.parse::<GoDuration>() {
        Ok(GoDuration(time)) if time.is_zero() => Err("it is zero".to_owned()),
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A new certificate.
#[derive(Serialize)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) domain: String,
}
