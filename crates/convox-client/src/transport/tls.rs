//! Whom to believe: TLS is always verified, against the platform's roots, a CA of the user's, or a
//! pinned certificate.
//!
//! `rustls-native-certs` reads SSL_CERT_FILE and SSL_CERT_DIR itself; they cannot be handed over.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

use super::Error;
use crate::fingerprint::Fingerprint;

/// What a rack's certificate is held against.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// The platform's roots.
    #[default]
    Platform,
    /// The platform's roots and those in this PEM file, or a certificate in it itself.
    CustomCa(PathBuf),
    /// This certificate and no other.
    Pinned(Fingerprint, PinnedBy),
    /// Any certificate. The command line warns each time.
    Insecure,
}

/// Who has pinned a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinnedBy {
    /// A login, for this host.
    Login,
    /// CONVOX_TRUST, whatever the host.
    Variable,
}

/// A certificate that was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateProblem {
    /// The platform's roots do not vouch for it.
    #[error("the certificate of {address} is not trusted: {reason} (fingerprint {fingerprint})")]
    Unknown {
        /// Host and port.
        address: String,
        /// What it was refused for.
        reason: String,
        /// Its fingerprint.
        fingerprint: Fingerprint,
    },
    /// It is not the one that was pinned.
    #[error(
        "the certificate of {address} has changed: {pinned} was trusted, {fingerprint} was presented"
    )]
    Changed {
        /// Host and port.
        address: String,
        /// What was expected.
        pinned: Fingerprint,
        /// By whom.
        by: PinnedBy,
        /// What came.
        fingerprint: Fingerprint,
    },
}

/// What the last handshake was refused for.
#[derive(Debug, Default)]
pub(super) struct Refusal(Mutex<Option<(Fingerprint, String)>>);

impl Refusal {
    fn set(&self, fingerprint: Fingerprint, reason: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((fingerprint, reason));
    }

    /// The refusal as a problem with `address`, once.
    pub(super) fn take(&self, address: &str, trust: &Trust) -> Option<CertificateProblem> {
        let (fingerprint, reason) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let address = address.to_owned();
        Some(match trust {
            Trust::Pinned(pinned, by) => {
                CertificateProblem::Changed { address, pinned: *pinned, by: *by, fingerprint }
            }
            _ => CertificateProblem::Unknown { address, reason, fingerprint },
        })
    }
}

/// A configuration for an address that needs none: nothing is loaded.
pub(super) fn unused() -> Result<ClientConfig, Error> {
    Ok(builder(Arc::new(ring::default_provider()))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// The configuration for `https` addresses.
pub(super) fn config(trust: &Trust, refusal: Arc<Refusal>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let judge = match trust {
        Trust::Insecure => VerifyPolicy::Anyone,
        Trust::Pinned(pinned, _) => VerifyPolicy::Pinned(*pinned),
        Trust::Platform => VerifyPolicy::Chain(Chain::new(Vec::new(), provider.clone())?),
        Trust::CustomCa(file) => {
            VerifyPolicy::Chain(Chain::new(certificates_in(file)?, provider.clone())?)
        }
    };
    let verifier = Verifier { judge, provider: provider.clone(), refusal };
    Ok(builder(provider)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Config(format!("TLS can't be set up: {error}")))
}

/// The platform's roots, or Mozilla's where it has none.
fn platform_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        // A container without a certificate bundle.
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
}

fn certificates_in(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unusable = |reason: String| {
        Error::Config(format!("CONVOX_CA_CERT: {} is no usable PEM file: {reason}", file.display()))
    };
    let found: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(error.to_string()))?;
    for certificate in &found {
        let usable = RootCertStore::empty().add(certificate.clone());
        usable.map_err(|error| unusable(error.to_string()))?;
    }
    if found.is_empty() { Err(unusable("no certificate in it".to_owned())) } else { Ok(found) }
}

/// Whoever the platform's roots, or the user's own, vouch for.
#[derive(Debug)]
struct Chain {
    verifier: Arc<WebPkiServerVerifier>,
    /// The user's own.
    own: Vec<CertificateDer<'static>>,
}

impl Chain {
    fn new(
        own: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let mut roots = platform_roots();
        roots.add_parsable_certificates(own.iter().cloned());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let unusable = |error| Error::Config(format!("no usable root certificates: {error}"));
        Ok(Self { verifier: verifier.map_err(unusable)?, own })
    }

    /// webpki refuses an authority's certificate on a server; the user's own is good there, as
    /// `openssl req -x509` makes it, if it is for this name. Its dates are right: they are looked at
    /// before that refusal. Extended key usage, which such a certificate rarely names, is not.
    fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict =
            self.verifier.verify_server_cert(certificate, intermediates, name, ocsp_response, now);
        match verdict {
            Err(error) if is_authority(&error) && self.own.contains(certificate) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }
}

/// An authority's own certificate on a server, as `openssl req -x509` makes them.
fn is_authority(error: &rustls::Error) -> bool {
    use rustls::{CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::Other(why)) => {
            why.to_string().contains("CaUsedAsEndEntity")
        }
        _ => false,
    }
}

#[derive(Debug)]
enum VerifyPolicy {
    Chain(Chain),
    Pinned(Fingerprint),
    Anyone,
}

#[derive(Debug)]
struct Verifier {
    judge: VerifyPolicy,
    provider: Arc<CryptoProvider>,
    refusal: Arc<Refusal>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let presented = fingerprint_of(end_entity);
        let verdict = match &self.judge {
            VerifyPolicy::Anyone => Ok(ServerCertVerified::assertion()),
            VerifyPolicy::Pinned(pinned) if *pinned == presented => {
                Ok(ServerCertVerified::assertion())
            }
            VerifyPolicy::Pinned(_) => {
                Err(rustls::Error::General("not the certificate that was pinned".to_owned()))
            }
            VerifyPolicy::Chain(chain) => {
                chain.judge(end_entity, intermediates, server_name, ocsp_response, now)
            }
        };
        if let Err(error) = &verdict {
            self.refusal.set(presented, reason(error));
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn reason(error: &rustls::Error) -> String {
    use rustls::CertificateError as Why;
    let rustls::Error::InvalidCertificate(why) = error else { return error.to_string() };
    let text = match why {
        Why::UnknownIssuer => "no authority that this machine knows has signed it",
        Why::Expired | Why::ExpiredContext { .. } => "it has expired",
        Why::NotValidYet | Why::NotValidYetContext { .. } => "it is not valid yet",
        Why::NotValidForName | Why::NotValidForNameContext { .. } => "it is for another name",
        Why::Other(_) if is_authority(error) => "it is signed by itself",
        Why::Other(_) => "it is not made as the rules for servers want it",
        _ => return why.to_string(),
    };
    text.to_owned()
}

fn fingerprint_of(certificate: &CertificateDer<'_>) -> Fingerprint {
    Fingerprint(Sha256::digest(certificate.as_ref()).into())
}
