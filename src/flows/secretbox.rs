//! Text that is encrypted with a key both sides know, as v2 clients write it: a NaCl secretbox
//! (XSalsa20-Poly1305) in a JSON envelope with its nonce, in base64.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crypto_secretbox::aead::Aead;
use crypto_secretbox::{KeyInit, XSalsa20Poly1305};
use serde::{Deserialize, Serialize};

use crate::error::CommandError;
use crate::settings::{ExposeSecret, Secret};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// What v2 clients write: Go encodes the array of the nonce as numbers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    nonce: [u8; NONCE_BYTES],
    /// In base64.
    cipher_text: String,
}

/// A key.
pub(crate) struct Key(XSalsa20Poly1305);

impl Key {
    /// Parses a key in base64.
    pub(crate) fn parse(text: &str) -> Result<Self, CommandError> {
        if text.is_empty() {
            return Err(empty());
        }
        let invalid = || {
            CommandError::new("the key is not valid: at least 32 bytes in base64 are expected")
                .hint("openssl rand -base64 32 makes one")
        };
        let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|_| invalid())?;
        // v2 clients ignore what is longer.
        let bytes = bytes.get(..KEY_BYTES).ok_or_else(invalid)?;
        XSalsa20Poly1305::new_from_slice(bytes).map(Self).map_err(|_| invalid())
    }

    /// Encrypts text with a new nonce.
    pub(crate) fn encrypt(&self, text: &Secret) -> Result<String, CommandError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)
            .map_err(|error| CommandError::while_doing("no random numbers", error))?;
        self.encrypt_with(nonce, text)
    }

    fn encrypt_with(
        &self,
        nonce: [u8; NONCE_BYTES],
        text: &Secret,
    ) -> Result<String, CommandError> {
        let text = text.expose_secret().as_bytes();
        if text.is_empty() {
            return Err(empty());
        }
        let sealed = self.0.encrypt(&nonce.into(), text);
        let sealed = sealed.map_err(|_| CommandError::new("could not encrypt data"))?;
        let envelope = Envelope { nonce, cipher_text: BASE64_STANDARD.encode(sealed) };
        let envelope = serde_json::to_vec(&envelope)
            .map_err(|error| CommandError::while_doing("could not encrypt data", error))?;
        Ok(BASE64_STANDARD.encode(envelope))
    }

    /// Decrypts what [`Key::encrypt`] or a v2 client has encrypted.
    pub(crate) fn decrypt(&self, data: &str) -> Result<String, CommandError> {
        if data.is_empty() {
            return Err(empty());
        }
        let invalid = || {
            CommandError::new("the data is not valid")
                .hint("give it as it was printed when it was encrypted")
        };
        let envelope = BASE64_STANDARD.decode(data.trim()).map_err(|_| invalid())?;
        let envelope: Envelope = serde_json::from_slice(&envelope).map_err(|_| invalid())?;
        let sealed = BASE64_STANDARD.decode(envelope.cipher_text).map_err(|_| invalid())?;
        let text = self.0.decrypt(&envelope.nonce.into(), sealed.as_slice()).map_err(|_| {
            CommandError::new("could not decrypt data")
                .hint("it was encrypted with another key, or changed since")
        })?;
        String::from_utf8(text).map_err(|_| CommandError::new("the decrypted data is not text"))
    }
}

fn empty() -> CommandError {
    CommandError::new("key and data must be non empty")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes from 0 to 31.
    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    /// `teal`, encrypted by libsodium with the bytes from 100 to 123 as the nonce.
    const SEALED: &str = "eyJOb25jZSI6WzEwMCwxMDEsMTAyLDEwMywxMDQsMTA1LDEwNiwxMDcsMTA4LDEwOSwxMTAsMTExLDExMiwxMTMsMTE0LDExNSwxMTYsMTE3LDExOCwxMTksMTIwLDEyMSwxMjIsMTIzXSwiQ2lwaGVyVGV4dCI6IlBxMmEzUDhLeEphTSs5cm5RVDFqcTNiYytLVT0ifQ==";

    fn key() -> Key {
        Key::parse(KEY).unwrap()
    }

    #[test]
    fn the_format_is_that_of_other_clients() {
        let nonce = std::array::from_fn(|at| u8::try_from(at).unwrap() + 100);
        assert_eq!(key().encrypt_with(nonce, &Secret::from("teal".to_owned())).unwrap(), SEALED);
        assert_eq!(key().decrypt(SEALED).unwrap(), "teal");
    }

    #[test]
    fn what_is_encrypted_twice_differs_and_is_decrypted_to_the_same() {
        let text = Secret::from("päss\nword".to_owned());
        let (one, two) = (key().encrypt(&text).unwrap(), key().encrypt(&text).unwrap());
        assert_ne!(one, two);
        for sealed in [one, two] {
            assert_eq!(key().decrypt(&sealed).unwrap(), "päss\nword");
        }
    }

    #[test]
    fn a_longer_key_counts_as_its_first_32_bytes_and_a_shorter_one_is_refused() {
        let longer = BASE64_STANDARD.encode((0..40).collect::<Vec<u8>>());
        assert_eq!(Key::parse(&longer).unwrap().decrypt(SEALED).unwrap(), "teal");
        for short in ["AAEC", "not base64!"] {
            let error = Key::parse(short).err().unwrap();
            assert!(error.message().contains("at least 32 bytes in base64"), "{error:?}");
            assert!(!error.message().contains(short), "{error:?}");
        }
    }

    #[test]
    fn a_wrong_key_and_changed_data_are_refused() {
        let other = Key::parse(&BASE64_STANDARD.encode([7; 32])).unwrap();
        assert_eq!(other.decrypt(SEALED).unwrap_err().message(), "could not decrypt data");
        let cut = &SEALED[..SEALED.len() / 2 / 4 * 4];
        for data in [cut, "e30=", "%"] {
            assert_eq!(key().decrypt(data).unwrap_err().message(), "the data is not valid");
        }
        assert!(key().decrypt("").unwrap_err().message().contains("non empty"));
    }
}
