//! A TLS server in front of a rack.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use sha2::{Digest, Sha256};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use super::port::Port;

/// A certificate that is its own issuer.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) fingerprint: String,
    config: Arc<ServerConfig>,
}

impl Certificate {
    pub(crate) fn of(name: &str) -> Self {
        Self::with(name, |_| ())
    }

    pub(crate) fn expired() -> Self {
        Self::with("127.0.0.1", run_out)
    }

    /// As `openssl req -x509` creates them: an authority, signed by itself.
    pub(crate) fn authority(name: &str) -> Self {
        Self::with(name, is_authority)
    }

    pub(crate) fn expired_authority() -> Self {
        Self::with("127.0.0.1", |params| {
            is_authority(params);
            run_out(params);
        })
    }

    fn with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let digest = Sha256::digest(certificate.der());
        let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        let private = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private.into())
            .unwrap();
        Self { pem: certificate.pem(), fingerprint: pairs.join(":"), config: Arc::new(config) }
    }

    pub(crate) fn write(&self, path: &Path) {
        std::fs::write(path, &self.pem).unwrap();
    }
}

fn is_authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

fn run_out(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
}

/// Listens with a certificate, and forwards everything to a rack.
pub(crate) struct TlsProxy {
    listening: JoinHandle<()>,
}

impl Drop for TlsProxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl TlsProxy {
    pub(crate) async fn start(port: &Port, certificate: &Certificate, rack: SocketAddr) -> Self {
        let listener = port.listen_again().await;
        let acceptor = TlsAcceptor::from(certificate.config.clone());
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut client = acceptor.accept(stream).await?;
                    let mut rack = TcpStream::connect(rack).await?;
                    copy_bidirectional(&mut client, &mut rack).await
                });
            }
        });
        Self { listening }
    }

    /// Stops it, so that another one can listen.
    pub(crate) async fn stop(mut self) {
        self.listening.abort();
        // Aborted or finished.
        drop((&mut self.listening).await);
    }
}
