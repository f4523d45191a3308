//! The second factor of a console: a signed answer to a challenge (WebAuthn), which is asked of
//! whoever uses the client.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use secrecy::SecretString;

/// What a console wants to have signed.
#[derive(Debug, Clone)]
pub struct FactorChallenge {
    /// The JSON document of the console, unchanged: its `publicKey` is a WebAuthn request
    /// (`PublicKeyCredentialRequestOptions`).
    pub document: Bytes,
    /// 1 for the first time; more if the console refused the answers before.
    pub attempt: u32,
}

/// Answers the challenges of a console, usually by asking a person. Dropping the future cancels it.
pub trait Authenticator: Send + Sync {
    /// Returns the assertion: the JSON of the signed answer, which is sent to the console as it is.
    fn sign(&self, challenge: FactorChallenge) -> BoxFuture<'_, Result<SecretString, FactorError>>;
}

/// The authenticator of a program in which no one can be asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unattended;

impl Authenticator for Unattended {
    fn sign(&self, _: FactorChallenge) -> BoxFuture<'_, Result<SecretString, FactorError>> {
        Box::pin(std::future::ready(Err(FactorError::Unattended)))
    }
}

/// An authenticator that clients share.
pub type SharedAuthenticator = Arc<dyn Authenticator>;

/// Why there is no second factor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FactorError {
    /// There is no one to ask.
    #[error("there is no terminal to ask for it")]
    Unattended,
    /// No answer came in time.
    #[error("it was not confirmed within {} minutes", .0.as_secs() / 60)]
    TimedOut(Duration),
    /// The console did not accept the answers.
    #[error("the console refused it {attempts} times ({message})")]
    Refused {
        /// The number of answers that it refused.
        attempts: u32,
        /// The console's message for the last one.
        message: String,
    },
    /// The answer can't be received.
    #[error("{0}")]
    Failed(String),
}
