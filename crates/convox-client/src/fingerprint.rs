//! SHA-256 fingerprints of certificates.

use std::fmt;
use std::str::FromStr;

/// The SHA-256 of a certificate's DER form, formatted like openssl's: `AB:CD:…`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// A text that is not a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a SHA-256 fingerprint: expected 64 hexadecimal digits, with or without colons, \
     as `openssl x509 -noout -fingerprint -sha256` prints them"
)]
pub struct InvalidFingerprint;

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        // openssl prints `sha256 Fingerprint=AB:CD…`, other programs `SHA256:abcd…`
        let digits = text.rsplit('=').next().unwrap_or(text).trim();
        let digits = strip_label(digits).replace(':', "");
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidFingerprint);
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let pair = &digits[2 * index..2 * index + 2];
            *byte = u8::from_str_radix(pair, 16).map_err(|_| InvalidFingerprint)?;
        }
        Ok(Self(bytes))
    }
}

fn strip_label(text: &str) -> &str {
    match text.get(..7) {
        Some(label) if label.eq_ignore_ascii_case("sha256:") => &text[7..],
        _ => text,
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn common_formats_are_parsed() {
        let plain = "ab".repeat(32);
        let colons = ["AB"; 32].join(":");
        for text in [
            plain.clone(),
            colons.clone(),
            format!("SHA256:{plain}"),
            format!("sha256 Fingerprint={colons}"),
        ] {
            assert_eq!(text.parse::<Fingerprint>(), Ok(Fingerprint([0xab; 32])), "{text}");
        }
    }

    #[test]
    fn other_texts_are_rejected() {
        let (short, odd) = ("ab".repeat(31), "zz".repeat(32));
        for text in ["", "SHA256:", short.as_str(), odd.as_str(), "ééééééé", &"é".repeat(32)]
        {
            assert_eq!(text.parse::<Fingerprint>(), Err(InvalidFingerprint), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_fingerprint_parses(bytes: [u8; 32]) {
            let fingerprint = Fingerprint(bytes);
            prop_assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        }
    }
}
