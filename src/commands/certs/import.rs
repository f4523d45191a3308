use std::path::{Path, PathBuf};

use super::generate::Made;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::settings::Secret;
use convox_client::rack::{CertificateImport, CertificateMisfit, Error};

/// Import a certificate and its private key
///
/// The files are in PEM, as certificate authorities send them. A key of another certificate, an
/// encrypted one, and a chain in the wrong order are refused before anything is sent.
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
    import.check().map_err(|misfit| advise(misfit, &args))?;
    let rack = cx.rack().await?;
    let send = async {
        let made = rack.import_certificate(&import).await;
        made.map_err(|refused| check_order(refused, &import, &args))
    };
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

/// Says that the files may have been given in the wrong order, if the rack refuses a certificate
/// that is none.
fn check_order(refused: Error, import: &CertificateImport, args: &Args) -> CommandError {
    let error = CommandError::from(refused);
    if import.certificate.contains("CERTIFICATE-----") {
        return error;
    }
    let file = args.certificate.display();
    error.hint(format!("{file} has no certificate: it comes first, then its private key"))
}

/// Names the file in question and what to do about it.
fn advise(misfit: CertificateMisfit, args: &Args) -> CommandError {
    let chain = args.chain.as_ref().unwrap_or(&args.certificate);
    let (file, advice) = match misfit {
        CertificateMisfit::EncryptedKey => {
            (&args.key, "a rack can't decrypt it: openssl pkey -in KEY -out PLAIN-KEY removes it")
        }
        CertificateMisfit::OtherKey => {
            (&args.key, "give the key that the certificate was requested with")
        }
        CertificateMisfit::OtherChain => (chain, "give the chain that came with the certificate"),
        CertificateMisfit::ChainOrder => {
            (chain, "the issuer of the certificate comes first, then the issuer of that, and so on")
        }
    };
    CommandError::new(format!("{}: {misfit}", file.display())).hint(advice)
}
