//! Reads the certificate that a host presents.

use super::{CertificateProblem, Client, Endpoint, Error, Limits, Options, Request};
use crate::fingerprint::Fingerprint;
use crate::{RackUrl, path};

/// Returns the fingerprint of the certificate that a rack or console presents, whether it is trusted
/// or not. The handshake is broken off, so that neither a request nor a password is sent.
///
/// # Errors
/// [`Error::Unreachable`], and [`Error::Config`] for an address without TLS.
pub async fn probe_certificate(url: &RackUrl, limits: Limits) -> Result<Fingerprint, Error> {
    let mut endpoint = Endpoint::from(url);
    endpoint.password = None;
    if endpoint.url.scheme() != "https" {
        let problem = format!("{} has no certificate: its address is not https", url.host());
        return Err(Error::Config(problem));
    }
    let client = Client::probing(endpoint, Options { limits, ..Options::default() });
    let request = Request::get(path!["auth"]);
    match client.send(&request).await {
        Err(Error::Certificate(CertificateProblem::Unknown { fingerprint, .. })) => Ok(fingerprint),
        Err(error) => Err(error),
        Ok(_) => {
            let problem = "no certificate was presented".to_owned();
            Err(Error::InvalidResponse { request: request.line(), problem })
        }
    }
}
