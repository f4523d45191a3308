//! TLS verification: against the platform's root certificates, a custom CA, or a pinned
//! certificate.
//!
//! `rustls-native-certs` reads SSL_CERT_FILE and SSL_CERT_DIR from the environment itself.

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

/// How a rack's certificate is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// Against the platform's root certificates.
    #[default]
    Platform,
    /// Against the platform's root certificates and the certificates in this PEM file.
    CustomCa(PathBuf),
    /// Only the certificate with this fingerprint is accepted.
    Pinned(Fingerprint, PinnedBy),
    /// Any certificate is accepted.
    Insecure,
}

/// Where a pinned certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinnedBy {
    /// A login; the pin belongs to host and port.
    Login,
    /// The variable CONVOX_TRUST; the pin applies to any host.
    Variable,
}

/// A certificate that is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateProblem {
    /// It is not signed by a trusted authority, or invalid for another reason.
    #[error("the certificate of {address} is not trusted: {reason} (fingerprint {fingerprint})")]
    Unknown {
        /// Host and port.
        address: String,
        /// Why.
        reason: String,
        /// Its fingerprint.
        fingerprint: Fingerprint,
    },
    /// It is not the pinned certificate.
    #[error("the certificate of {address} has changed: expected {pinned}, got {fingerprint}")]
    Changed {
        /// Host and port.
        address: String,
        /// The pinned fingerprint.
        pinned: Fingerprint,
        /// Where the pin comes from.
        by: PinnedBy,
        /// The fingerprint of the certificate that the server presented.
        fingerprint: Fingerprint,
    },
}

/// Why the last handshake failed verification.
#[derive(Debug, Default)]
pub(super) struct VerifyFailure(Mutex<Option<(Fingerprint, String)>>);

impl VerifyFailure {
    fn set(&self, fingerprint: Fingerprint, reason: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((fingerprint, reason));
    }

    /// Takes the failure out, as a problem with `address`.
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

/// The configuration for `http` addresses, without any root certificates.
pub(super) fn plaintext() -> Result<ClientConfig, Error> {
    Ok(builder(Arc::new(ring::default_provider()))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// The configuration for `https` addresses.
pub(super) fn config(trust: &Trust, failure: Arc<VerifyFailure>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let policy = match trust {
        Trust::Insecure => VerifyPolicy::AcceptAny,
        Trust::Pinned(pinned, _) => VerifyPolicy::Pinned(*pinned),
        Trust::Platform => VerifyPolicy::Chain(Chain::new(Vec::new(), provider.clone())?),
        Trust::CustomCa(file) => {
            VerifyPolicy::Chain(Chain::new(certificates_in(file)?, provider.clone())?)
        }
    };
    config_with(policy, provider, failure)
}

/// The configuration that rejects every certificate, and so reports the one that is presented.
pub(super) fn rejecting_config(failure: Arc<VerifyFailure>) -> Result<ClientConfig, Error> {
    config_with(VerifyPolicy::RejectAll, Arc::new(ring::default_provider()), failure)
}

fn config_with(
    policy: VerifyPolicy,
    provider: Arc<CryptoProvider>,
    failure: Arc<VerifyFailure>,
) -> Result<ClientConfig, Error> {
    let verifier = Verifier { policy, provider: provider.clone(), failure };
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

/// The platform's root certificates, or Mozilla's if there are none.
fn platform_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        // For example in a minimal container.
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
}

fn certificates_in(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unusable = |reason: String| {
        Error::Config(format!(
            "CONVOX_CA_CERT: {} is not a usable PEM file: {reason}",
            file.display()
        ))
    };
    let found: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(error.to_string()))?;
    for certificate in &found {
        let usable = RootCertStore::empty().add(certificate.clone());
        usable.map_err(|error| unusable(error.to_string()))?;
    }
    if found.is_empty() {
        Err(unusable("it contains no certificate".to_owned()))
    } else {
        Ok(found)
    }
}

/// Verification against root certificates.
#[derive(Debug)]
struct Chain {
    verifier: Arc<WebPkiServerVerifier>,
    /// The certificates of a custom CA file.
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
        let unusable =
            |error| Error::Config(format!("there are no usable root certificates: {error}"));
        Ok(Self { verifier: verifier.map_err(unusable)?, own })
    }

    /// Verifies a certificate chain. webpki refuses a CA certificate on a server, which is what
    /// `openssl req -x509` makes; one from the custom CA file is accepted if it matches the name.
    /// webpki has checked its dates before refusing it, but not the extended key usage, which such
    /// certificates rarely have.
    fn verify(
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
            Err(error) if is_ca_on_server(&error) && self.own.contains(certificate) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }
}

/// Returns whether a CA certificate was refused because a server presented it.
fn is_ca_on_server(error: &rustls::Error) -> bool {
    use rustls::{CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::Other(why)) => {
            why.to_string().contains("CaUsedAsEndEntity")
        }
        _ => false,
    }
}

const UNSUPPORTED_ALGORITHM: &str =
    "it is signed with an algorithm that is not supported, such as SHA-1";

#[derive(Debug)]
enum VerifyPolicy {
    Chain(Chain),
    Pinned(Fingerprint),
    AcceptAny,
    RejectAll,
}

#[derive(Debug)]
struct Verifier {
    policy: VerifyPolicy,
    provider: Arc<CryptoProvider>,
    failure: Arc<VerifyFailure>,
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
        let verdict = match &self.policy {
            VerifyPolicy::AcceptAny => Ok(ServerCertVerified::assertion()),
            VerifyPolicy::Pinned(pinned) if *pinned == presented => {
                Ok(ServerCertVerified::assertion())
            }
            VerifyPolicy::RejectAll => Err(rustls::Error::General("not to be trusted".to_owned())),
            VerifyPolicy::Pinned(_) => {
                Err(rustls::Error::General("not the pinned certificate".to_owned()))
            }
            VerifyPolicy::Chain(chain) => {
                chain.verify(end_entity, intermediates, server_name, ocsp_response, now)
            }
        };
        if let Err(error) = &verdict {
            self.failure.set(presented, describe(error));
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

/// What is wrong with a handshake or a certificate, in words: the library prints some of its errors
/// as debug output.
pub(super) fn describe(error: &rustls::Error) -> String {
    use rustls::CertificateError as Why;
    let rustls::Error::InvalidCertificate(why) = error else { return error.to_string() };
    let text = match why {
        Why::UnknownIssuer => "it is not signed by a trusted authority",
        Why::Expired | Why::ExpiredContext { .. } => "it has expired",
        Why::NotValidYet | Why::NotValidYetContext { .. } => "it is not valid yet",
        Why::NotValidForName | Why::NotValidForNameContext { .. } => "it is for another name",
        Why::Other(_) if is_ca_on_server(error) => "it is self-signed",
        Why::Other(_) => "it does not meet the rules for server certificates",
        Why::BadEncoding => "it is malformed",
        Why::BadSignature => "its signature is wrong",
        Why::Revoked => "it has been revoked",
        Why::InvalidPurpose | Why::InvalidPurposeContext { .. } => "it is not for a server",
        Why::UnhandledCriticalExtension => "it has a critical extension that is not supported",
        _ => {
            // The variants for signature algorithms differ between versions of the library.
            let is_algorithm = format!("{why:?}").starts_with("UnsupportedSignatureAlgorithm");
            if is_algorithm { UNSUPPORTED_ALGORITHM } else { "it is invalid" }
        }
    };
    text.to_owned()
}

fn fingerprint_of(certificate: &CertificateDer<'_>) -> Fingerprint {
    Fingerprint(Sha256::digest(certificate.as_ref()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_in_words() {
        use rustls::CertificateError as Why;
        let algorithm = Why::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: vec![0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
            supported_algorithms: Vec::new(),
        };
        assert_eq!(describe(&rustls::Error::InvalidCertificate(algorithm)), UNSUPPORTED_ALGORITHM);
        let now = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
        let name = ServerName::try_from("rack.example.com").unwrap();
        for why in [
            Why::ExpiredContext { time: now, not_after: now },
            Why::NotValidForNameContext { expected: name, presented: vec!["DNS:other".to_owned()] },
            Why::InvalidOcspResponse,
        ] {
            let text = describe(&rustls::Error::InvalidCertificate(why));
            assert!(!text.contains(['{', '(', '"']), "{text}");
        }
    }
}
