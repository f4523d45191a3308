use std::sync::Arc;

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};

use crate::path;
use crate::transport::Request;
use convox_wire::{AppName, Certificate, LetsEncryptConfig, ServiceName};

use super::{Error, Rack};

/// A certificate of one's own, in PEM.
#[derive(Debug, Clone)]
pub struct CertificateImport {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: SecretString,
    /// The certificates of its issuers.
    pub chain: Option<String>,
}

/// Options of a certificate that the rack makes. Absent ones are not sent.
#[derive(Debug, Clone, Default)]
pub struct CertificateOptions {
    /// `letsencrypt`; self-signed without (v3).
    pub issuer: Option<String>,
    /// How long it is valid, such as `2160h` (v3).
    pub duration: Option<String>,
}

impl Rack {
    /// Lists the certificates, sorted by id (`GET /certificates`; v2, v3). With `generated`, only
    /// those that the rack has made (v3).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// for certificate in rack.certificates(false).await? {
    ///     println!("{} for {}", certificate.id, certificate.domain);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the transport.
    pub async fn certificates(&self, generated: bool) -> Result<Vec<Certificate>, Error> {
        let generated = generated.then_some(true);
        self.list(Request::get(path!["certificates"]).query("generated", generated)).await
    }

    /// Makes a certificate (`POST /certificates/generate`; v2, v3). Sent once.
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn generate_certificate(
        &self,
        domains: &[String],
        options: &CertificateOptions,
    ) -> Result<Certificate, Error> {
        let request = Request::post(path!["certificates", "generate"])
            .form("domains", domains)
            .form("issuer", &options.issuer)
            .form("duration", &options.duration);
        self.read(request).await
    }

    /// Imports a certificate (`POST /certificates`; v2, v3; its fields have other names up to
    /// 20180708231844). Sent once.
    ///
    /// # Errors
    /// [`Error::Status`] if the rack can't parse it.
    pub async fn import_certificate(
        &self,
        import: &CertificateImport,
    ) -> Result<Certificate, Error> {
        let (certificate, key) = match self.compat().await?.is_after_2018() {
            true => ("pub", "key"),
            false => ("public", "private"),
        };
        let request = Request::post(path!["certificates"])
            .form(certificate, &import.certificate)
            .form(key, import.key.expose_secret())
            .form("chain", &import.chain);
        self.read(request).await
    }

    /// Deletes a certificate (`DELETE /certificates/{id}`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`]: `no such certificate: …`.
    pub async fn delete_certificate(&self, id: &str) -> Result<(), Error> {
        self.act(Request::delete(path!["certificates", id])).await
    }

    /// Renews the certificate of an app (`POST /certificates/{app}/renew`; v3).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app.
    pub async fn renew_certificate(&self, app: &AppName) -> Result<(), Error> {
        self.act(Request::post(path!["certificates", app, "renew"])).await
    }

    /// Sets the certificate of a port (`PUT /apps/{app}/ssl/{service}/{port}`; v2, apps of the
    /// first generation).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn set_certificate(
        &self,
        app: &AppName,
        service: &ServiceName,
        port: u16,
        certificate: &str,
    ) -> Result<(), Error> {
        let path = path!["apps", app, "ssl", service, port.to_string()];
        self.act(Request::put(path).form("id", certificate)).await
    }

    /// Returns how the rack gets certificates of Let's Encrypt (`GET /letsencrypt/config`; v3).
    ///
    /// # Errors
    /// Those of the transport.
    pub async fn letsencrypt_config(&self) -> Result<LetsEncryptConfig, Error> {
        self.get(path!["letsencrypt", "config"]).await
    }

    /// Replaces the whole configuration (`PUT /letsencrypt/config`; v3).
    ///
    /// # Errors
    /// [`Error::Status`]; [`Error::Config`] if it can't be encoded.
    pub async fn set_letsencrypt_config(&self, config: &LetsEncryptConfig) -> Result<(), Error> {
        let body = serde_json::to_vec(config)
            .map_err(|error| Error::Config(format!("the configuration: {error}")))?;
        let request = Request::put(path!["letsencrypt", "config"]);
        self.act(request.upload(Arc::new(Bytes::from(body)))).await
    }
}
