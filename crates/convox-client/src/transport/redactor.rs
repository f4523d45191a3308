//! Removes credentials from messages: racks and proxies may send back what they were sent.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

const REDACTED: &str = "[REDACTED]";

/// Shorter secrets occur in ordinary text by chance.
const SHORTEST: usize = 4;

/// Replaces a client's secrets in text by `[REDACTED]`.
#[derive(Debug, Clone, Default)]
pub(super) struct Redactor(Vec<SecretString>);

impl Redactor {
    /// A redactor for the password, its encoded form (RFC 7617), and other secrets.
    pub(super) fn new(
        user: &str,
        password: Option<&SecretString>,
        others: impl IntoIterator<Item = SecretString>,
    ) -> Self {
        let mut secrets: Vec<SecretString> = others.into_iter().collect();
        if let Some(password) = password {
            let pair = format!("{user}:{}", password.expose_secret());
            secrets
                .extend([&STANDARD_NO_PAD, &URL_SAFE_NO_PAD].map(|form| form.encode(&pair).into()));
            secrets.push(password.clone());
        }
        secrets.retain(|secret| secret.expose_secret().len() >= SHORTEST);
        Self(secrets)
    }

    /// Returns `text` without the secrets and without any token after `Basic` or `Bearer`.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let (kept, taken) = match (self.secret_at(rest), token_at(rest)) {
                (Some(length), _) => (0, length),
                (None, Some(token)) => token,
                (None, None) => {
                    shown.push(next);
                    rest = &rest[next.len_utf8()..];
                    continue;
                }
            };
            shown.push_str(&rest[..kept]);
            shown.push_str(REDACTED);
            rest = rest.get(taken..).unwrap_or_default();
        }
        shown
    }

    /// The length of the longest secret at the start of `text`.
    fn secret_at(&self, text: &str) -> Option<usize> {
        let spelled =
            |secret: &SecretString| length_of(secret.expose_secret().as_bytes(), text.as_bytes());
        self.0.iter().filter_map(spelled).max()
    }
}

/// The number of bytes of `text` that spell `secret`, literally or percent-encoded.
fn length_of(secret: &[u8], text: &[u8]) -> Option<usize> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut length = 0;
    for &wanted in secret {
        length += match *text.get(length..)? {
            [b'%', high, low, ..] if digit(high).zip(digit(low)) == Some(digits_of(wanted)) => 3,
            [b'+', ..] if wanted == b' ' => 1,
            [byte, ..] if byte == wanted => 1,
            _ => return None,
        };
    }
    Some(length)
}

fn digits_of(byte: u8) -> (u32, u32) {
    (u32::from(byte >> 4), u32::from(byte & 15))
}

/// The start and end of the token in `Basic dXNlcjpw` or `Bearer abc.def` (RFC 7235, `token68`).
/// `Basic realm="x"` and `Bearer token required` have none.
fn token_at(text: &str) -> Option<(usize, usize)> {
    let is_scheme = |scheme: &&str| {
        text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    };
    let scheme = ["Basic ", "Bearer "].into_iter().find(is_scheme)?;
    let token = text[scheme.len()..].trim_start_matches(' ');
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    let length = token.find(|c| !is_part(c)).unwrap_or(token.len());
    let start = text.len() - token.len();
    (!is_word(&token[..length])).then_some((start, start + length))
}

fn is_word(token: &str) -> bool {
    let token = token.trim_end_matches(['=', '.', '-']);
    token.chars().all(|c| c.is_ascii_alphabetic())
        && token.chars().skip(1).all(|c| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redactor(password: &str) -> Redactor {
        Redactor::new("convox", Some(&password.into()), Some("session-17".into()))
    }

    #[test]
    fn credentials_in_a_message_are_redacted() {
        let redact = |text: &str| redactor("p@ss é/w0rd").redact(text);
        for (text, expected) in [
            ("denied for convox:p@ss é/w0rd!", "denied for convox:[REDACTED]!"),
            ("http://convox:p%40ss%20%C3%A9%2Fw0rd@rack", "http://convox:[REDACTED]@rack"),
            ("p=p%40ss+%c3%a9/w0rd&q", "p=[REDACTED]&q"),
            ("got Y29udm94OnBAc3Mgw6kvdzByZA==", "got [REDACTED]=="),
            ("session: session-17, and so on", "session: [REDACTED], and so on"),
            ("Authorization: Basic Zm9vOmJhcg==\n", "Authorization: Basic [REDACTED]\n"),
            ("BEARER  eyJh.eyJz.x-_ rest", "BEARER  [REDACTED] rest"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn ordinary_words_are_kept() {
        for text in [
            "app not found: 100%s — ✓",
            "Basic realm=\"convox\"",
            "Bearer token required. Basic authentication is off",
            "invalid p@ss",
        ] {
            assert_eq!(redactor("p@ss é/w0rd").redact(text), text);
        }
        assert_eq!(redactor("web").redact("no such app: web"), "no such app: web");
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let shown = format!("{:?}", redactor("hunter22"));
        assert!(!shown.contains("hunter22") && !shown.contains("session-17"), "{shown}");
    }

    proptest! {
        #[test]
        fn every_encoding_of_the_password_is_redacted(
            password in "[^A-Z\\[\\]]{4,12}", before: String, after: String,
        ) {
            let encoded = percent_encoding::utf8_percent_encode(
                &password, percent_encoding::NON_ALPHANUMERIC,
            );
            let shown = redactor(&password).redact(&format!("{before}{password}{after}{encoded}"));
            prop_assert!(!shown.contains(&password), "{shown}");
        }
    }
}
