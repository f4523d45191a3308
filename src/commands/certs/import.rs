use std::path::{Path, PathBuf};

use super::generate::Made;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::settings::Secret;
use convox_client::rack::{CertificateImport, CertificateMisfit};

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
        certificate: read(cx, &args.certificate, Part::Certificate).await?,
        key: Secret::from(read(cx, &args.key, Part::Key).await?),
        chain: match &args.chain {
            Some(chain) => Some(read(cx, chain, Part::Certificate).await?),
            None => None,
        },
    };
    import.check().map_err(|misfit| advise(misfit, &args))?;
    let rack = cx.rack().await?;
    let send = async { Ok(rack.import_certificate(&import).await?) };
    let made = cx.step_with("Importing certificate", send, |made| Some(made.id.clone())).await?;
    Ok(Outcome::json(Made { id: made.id.clone(), domain: made.domain }).with_id(&made.id))
}

/// What a file should contain.
#[derive(Clone, Copy)]
enum Part {
    Certificate,
    Key,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Key => "private key",
        }
    }

    fn is_in(self, text: &str) -> bool {
        let label = match self {
            Self::Certificate => "CERTIFICATE-----",
            Self::Key => "PRIVATE KEY-----",
        };
        text.lines().any(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(label))
    }
}

/// Reads a file in PEM. Its content never appears in an error.
async fn read(cx: &Context, file: &Path, part: Part) -> Result<String, CommandError> {
    let text = String::from_utf8(cx.read_given(file).await?).unwrap_or_default();
    if part.is_in(&text) {
        return Ok(text);
    }
    let error = CommandError::new(format!("{} has no {} in PEM", file.display(), part.name()));
    Err(match part {
        Part::Certificate if Part::Key.is_in(&text) => {
            error.hint("it has a private key: the certificate comes first, then its key")
        }
        Part::Certificate => error.hint("it should begin with -----BEGIN CERTIFICATE-----"),
        Part::Key => error.hint("it should begin with -----BEGIN PRIVATE KEY-----"),
    })
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
