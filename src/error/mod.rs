//! A command that failed: what failed, why, and what to do next.

mod app_archive;
mod client;
mod credentials;
mod dev_rack;
mod hint;
mod package;
mod settings;

use std::error::Error;
use std::fmt;

use crate::outcome::Exit;
use crate::output::stdio::OutputError;
use crate::programs::ProgramError;
use crate::programs::terraform::{RunError, TerraformError};
use crate::signals::EndSignal;
use convox_client::rack::Refusal;

pub(crate) use client::WITHOUT_FACTOR;
pub(crate) use credentials::Credentials;
pub(crate) use hint::{CommandIndex, Counterpart, Hint, HintContext};

/// How a command failed, which decides its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The command could not do what it was asked to.
    Failed,
    /// The command line cannot be carried out as given.
    Usage,
    /// A remote command failed with this exit code.
    Remote(u8),
    /// A wait reached its limit; the rack goes on.
    TimedOut,
    /// A signal: Ctrl-C, TERM or HUP.
    Ended(EndSignal),
    /// The reader of the output has closed it.
    OutputClosed,
}

impl ErrorKind {
    /// The exit code. A command that only reads succeeds if its output was closed.
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Failed => Exit::Failed,
            Self::Usage => Exit::Usage,
            Self::Remote(code) => Exit::Remote(code),
            Self::TimedOut => Exit::TimedOut,
            Self::Ended(signal) => Exit::Signal(signal),
            Self::OutputClosed => Exit::Done,
        }
    }

    /// Its name in the event `failed` of `--json`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Failed | Self::Remote(_) | Self::OutputClosed => "failed",
            Self::Usage => "usage",
            Self::TimedOut => "timed_out",
            Self::Ended(_) => "interrupted",
        }
    }
}

/// Why a command failed. Drawn as `ERROR: what failed: why`, the details, and a `HINT: …` line for
/// each hint.
#[derive(Debug)]
pub(crate) struct CommandError {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
    /// The message says all that people need to know of the source; `--debug` shows the rest.
    names_its_cause: bool,
    /// Lines below the message, such as a list of what there is.
    details: Vec<String>,
    hints: Vec<Hint>,
}

impl CommandError {
    /// A failure in words of our own, or the rack's.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self {
            kind: ErrorKind::Failed,
            message: message.to_string(),
            source: None,
            names_its_cause: false,
            details: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A command line that cannot be carried out as given.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(message).with_kind(ErrorKind::Usage)
    }

    /// A wait that reached its limit.
    pub(crate) fn timed_out(message: impl fmt::Display) -> Self {
        Self::new(message).with_kind(ErrorKind::TimedOut)
    }

    /// A run that a signal has ended.
    pub(crate) fn ended(signal: EndSignal) -> Self {
        Self::new(signal.participle()).with_kind(ErrorKind::Ended(signal))
    }

    /// A run that a signal has ended, with what goes on without it.
    pub(crate) fn ended_while(signal: EndSignal, what_goes_on: impl fmt::Display) -> Self {
        Self::new(format!("{}; {what_goes_on}", signal.participle()))
            .with_kind(ErrorKind::Ended(signal))
    }

    /// The same failure of another kind.
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// What was being done when `source` happened: `doing: source`.
    pub(crate) fn while_doing(
        doing: impl fmt::Display,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { source: Some(source.into()), ..Self::new(doing) }
    }

    /// Adds lines below the message.
    pub(crate) fn with_details(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(lines);
        self
    }

    /// The lines below the message.
    pub(crate) fn details(&self) -> &[String] {
        &self.details
    }

    /// Adds a piece of advice.
    pub(crate) fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Replaces all advice given so far.
    pub(crate) fn with_hints(mut self, hints: impl IntoIterator<Item = Hint>) -> Self {
        self.hints = hints.into_iter().collect();
        self
    }

    /// How the command failed.
    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the rack's refusal means, if a rack's refusal is the reason.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let error = self.source.as_deref()?.downcast_ref::<convox_client::rack::Error>()?;
        error.refusal()
    }

    /// The advice.
    pub(crate) fn hints(&self) -> &[Hint] {
        &self.hints
    }

    /// What failed and why, in one line: the message, then each source that it does not quote
    /// already.
    pub(crate) fn message(&self) -> String {
        let mut message = self.message.clone();
        for text in self.sources().filter(|_| !self.names_its_cause) {
            if !message.ends_with(&text) {
                message = format!("{message}: {text}");
            }
        }
        message
    }

    /// The texts of the errors below this one, the outermost first.
    pub(crate) fn sources(&self) -> impl Iterator<Item = String> {
        let first = self.source.as_deref().map(|source| source as &(dyn Error + 'static));
        std::iter::successors(first, |error| (*error).source()).map(ToString::to_string)
    }
}

/// Makes a failure of an error, which keeps its sources.
fn from_error(error: impl Error + Send + Sync + 'static) -> CommandError {
    let message = error.to_string();
    CommandError { source: Some(Box::new(error)), ..CommandError::new(message) }
}

/// Makes a failure of an error whose message names its cause in plain words.
fn from_complete_error(error: impl Error + Send + Sync + 'static) -> CommandError {
    CommandError { names_its_cause: true, ..from_error(error) }
}

macro_rules! failures {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for CommandError {
            fn from(error: $error) -> Self {
                from_error(error)
            }
        }
    )+};
}

failures!(ProgramError, crate::settings::NoWorkingDir, convox_client::rack_url::InvalidRackUrl,);

impl From<OutputError> for CommandError {
    fn from(error: OutputError) -> Self {
        let kind = match error {
            OutputError::Closed => ErrorKind::OutputClosed,
            OutputError::Failed(_) => ErrorKind::Failed,
        };
        from_error(error).with_kind(kind)
    }
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Ended(signal) => Self::ended(signal),
            RunError::Missing => from_complete_error(error).hint(install_terraform()),
            error => from_complete_error(error),
        }
    }
}

impl From<TerraformError> for CommandError {
    fn from(error: TerraformError) -> Self {
        let hint = match &error {
            TerraformError::Program(ProgramError::Missing(_)) => Some(install_terraform()),
            TerraformError::Program(ProgramError::TimedOut { .. }) => {
                Some("run terraform output in the rack's directory to see what it waits for".into())
            }
            TerraformError::Program(_) => None,
            TerraformError::Failed(_) | TerraformError::Format(_) => {
                Some("run it there to see what it prints".into())
            }
        };
        from_error(error).with_hints(hint)
    }
}

fn install_terraform() -> Hint {
    Hint::from("install it as in https://developer.hashicorp.com/terraform/install")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{path} cannot be read")]
    struct Unreadable {
        path: &'static str,
        source: io::Error,
    }

    #[test]
    fn sources_are_shown_once_each() {
        let source = io::Error::new(io::ErrorKind::StorageFull, "no space left");
        let error = from_error(Unreadable { path: "auth", source });
        assert_eq!(error.message(), "auth cannot be read: no space left");
        let source = io::Error::new(io::ErrorKind::StorageFull, "no space left");
        let error = CommandError::while_doing("writing auth: no space left", source);
        assert_eq!(error.message(), "writing auth: no space left");
    }
}
