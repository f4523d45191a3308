//! Values that must never be shown: passwords, tokens, session ids.

/// A text that prints as `[REDACTED]` and is wiped when dropped; [`ExposeSecret`] opens it.
pub use secrecy::SecretString as Secret;

/// The explicit word that opens a [`Secret`]: for a header, and for the settings file.
pub use secrecy::ExposeSecret;
