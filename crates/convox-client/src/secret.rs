//! Values that must never be shown: passwords, tokens and session ids.

/// A string whose `Debug` output is `[REDACTED]`, wiped from memory when dropped. [`ExposeSecret`]
/// gives access to it.
pub use secrecy::SecretString as Secret;

/// Gives access to the text of a [`Secret`].
pub use secrecy::ExposeSecret;
