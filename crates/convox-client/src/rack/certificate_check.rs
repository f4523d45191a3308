//! Whether a certificate, its private key and its chain fit together. Racks store what does not,
//! and then serve it or fail much later.

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error as TlsError, InconsistentKeys};
use secrecy::ExposeSecret;
use webpki::EndEntityCert;

use super::CertificateImport;

/// Why a certificate would not work. Messages never repeat the content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateMisfit {
    /// The private key is encrypted, and racks have no passphrase.
    #[error("the private key is encrypted")]
    EncryptedKey,
    /// The private key belongs to another certificate.
    #[error("the private key does not belong to the certificate")]
    OtherKey,
    /// No certificate of the chain is the issuer of the certificate.
    #[error("the chain does not belong to the certificate: its issuer is not in it")]
    OtherChain,
    /// A certificate of the chain comes before the one that it issued.
    #[error("the chain is in the wrong order")]
    ChainOrder,
}

impl CertificateImport {
    /// Checks that the parts fit together. What can't be parsed is left to the rack, which may know
    /// more kinds of keys.
    ///
    /// # Errors
    /// The parts are readable and do not fit.
    pub fn check(&self) -> Result<(), CertificateMisfit> {
        self.check_key()?;
        self.check_chain()
    }

    fn check_key(&self) -> Result<(), CertificateMisfit> {
        let key = self.key.expose_secret();
        if key.contains("-----BEGIN ENCRYPTED ") || key.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(CertificateMisfit::EncryptedKey);
        }
        let Ok(key) = PrivateKeyDer::from_pem_slice(key.as_bytes()) else { return Ok(()) };
        let certificates = parse(&self.certificate);
        if certificates.is_empty() {
            return Ok(());
        }
        match CertifiedKey::from_der(certificates, key, &ring::default_provider()) {
            Err(TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(CertificateMisfit::OtherKey)
            }
            _ => Ok(()),
        }
    }

    /// Checks that each certificate is followed by its issuer (RFC 5246, 7.4.2). A root that is left
    /// out, and unneeded certificates behind the chain, are no mistakes.
    fn check_chain(&self) -> Result<(), CertificateMisfit> {
        let mut certificates = parse(&self.certificate);
        certificates.extend(self.chain.as_deref().map(parse).unwrap_or_default());
        let parsed =
            certificates.iter().map(EndEntityCert::try_from).collect::<Result<Vec<_>, _>>();
        let Ok(parsed) = parsed else { return Ok(()) };
        for (at, pair) in parsed.windows(2).enumerate() {
            let (issued, next) = (&pair[0], &pair[1]);
            let is_self_signed = issued.issuer() == issued.subject();
            if is_self_signed || next.subject() == issued.issuer() {
                continue;
            }
            if parsed.iter().any(|other| other.subject() == issued.issuer()) {
                return Err(CertificateMisfit::ChainOrder);
            }
            if at == 0 {
                return Err(CertificateMisfit::OtherChain);
            }
        }
        Ok(())
    }
}

/// Returns the certificates in a PEM text; none if one of them can't be decoded.
fn parse(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    /// A root, an intermediate, and a certificate with its key, in PEM.
    struct Issued {
        root: String,
        intermediate: String,
        certificate: String,
        key: String,
    }

    fn authority(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    fn issue(name: &str) -> Issued {
        let (root_key, middle_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let root =
            CertifiedIssuer::self_signed(authority(&format!("{name} root")), root_key).unwrap();
        let middle =
            CertifiedIssuer::signed_by(authority(&format!("{name} middle")), middle_key, &root)
                .unwrap();
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(vec![format!("{name}.test")]).unwrap();
        leaf.distinguished_name.push(rcgen::DnType::CommonName, format!("{name}.test"));
        Issued {
            certificate: leaf.signed_by(&key, &middle).unwrap().pem(),
            key: key.serialize_pem(),
            root: root.pem(),
            intermediate: middle.pem(),
        }
    }

    fn check(certificate: &str, key: &str, chain: &[&str]) -> Result<(), CertificateMisfit> {
        let chain = (!chain.is_empty()).then(|| chain.concat());
        CertificateImport { certificate: certificate.into(), key: key.into(), chain }.check()
    }

    #[test]
    fn parts_that_fit_are_accepted_with_and_without_a_chain() {
        let Issued { root, intermediate, certificate, key } = issue("site");
        assert_eq!(check(&certificate, &key, &[]), Ok(()));
        assert_eq!(check(&certificate, &key, &[&intermediate]), Ok(()));
        assert_eq!(check(&certificate, &key, &[&intermediate, &root]), Ok(()));
        assert_eq!(check(&format!("{certificate}{intermediate}"), &key, &[&root]), Ok(()));
        let unneeded = issue("other").root;
        assert_eq!(check(&certificate, &key, &[&intermediate, &root, &unneeded]), Ok(()));
    }

    #[test]
    fn a_key_of_another_certificate_and_an_encrypted_one_are_refused() {
        let site = issue("site");
        let misfit = check(&site.certificate, &issue("other").key, &[]);
        assert_eq!(misfit, Err(CertificateMisfit::OtherKey));
        let encrypted = site.key.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE");
        let misfit = check(&site.certificate, &encrypted, &[]);
        assert_eq!(misfit, Err(CertificateMisfit::EncryptedKey));
    }

    #[test]
    fn a_chain_in_the_wrong_order_and_one_of_another_certificate_are_refused() {
        let Issued { root, intermediate, certificate, key } = issue("site");
        let misfit = check(&certificate, &key, &[&root, &intermediate]);
        assert_eq!(misfit, Err(CertificateMisfit::ChainOrder));
        let misfit = check(&certificate, &key, &[&root]);
        assert_eq!(misfit, Err(CertificateMisfit::OtherChain));
        let misfit = check(&certificate, &key, &[&issue("other").intermediate]);
        assert_eq!(misfit, Err(CertificateMisfit::OtherChain));
    }

    #[test]
    fn what_cannot_be_parsed_is_left_to_the_rack() {
        let Issued { certificate, key, .. } = issue("site");
        let unknown = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(check(unknown, &key, &[]), Ok(()));
        assert_eq!(check(&certificate, "-----BEGIN PRIVATE KEY-----\nBBBB\n", &[]), Ok(()));
        assert_eq!(check(&certificate, &key, &[unknown]), Ok(()));
    }
}
