use std::path::{Path, PathBuf};

use super::generate::Made;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::settings::Secret;
use convox_client::rack::CertificateImport;

/// Import a certificate and its private key
///
/// The files are in PEM, as certificate authorities send them.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox certs import site.pem site.key --chain chain.pem\n  convox certs import site.pem site.key --id"
)]
pub(crate) struct Args {
    /// File with the certificate
    #[arg(value_name = "CERTIFICATE")]
    certificate: PathBuf,
    /// File with its private key
    key: PathBuf,
    /// File with the certificates of its issuers
    #[arg(long, value_name = "FILE")]
    chain: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let import = CertificateImport {
        certificate: read(cx, &args.certificate).await?,
        key: Secret::from(read(cx, &args.key).await?),
        chain: match &args.chain {
            Some(chain) => Some(read(cx, chain).await?),
            None => None,
        },
    };
    let rack = cx.rack().await?;
    let send = async { Ok(rack.import_certificate(&import).await?) };
    let made = cx.step_with("Importing certificate", send, |made| Some(made.id.clone())).await?;
    Ok(Outcome::json(Made { id: made.id.clone(), domain: made.domain }).with_id(&made.id))
}

/// Reads a file in PEM. Its content never appears in an error.
async fn read(cx: &Context, file: &Path) -> Result<String, CommandError> {
    let text = String::from_utf8(cx.read_given(file).await?).ok();
    text.filter(|text| text.contains("-----BEGIN ")).ok_or_else(|| {
        CommandError::new(format!("{} is not in PEM", file.display()))
            .hint("it should begin with -----BEGIN CERTIFICATE----- or -----BEGIN PRIVATE KEY-----")
    })
}
