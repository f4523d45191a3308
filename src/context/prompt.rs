//! Questions to the person at the terminal: secrets and confirmations.

use std::io;
use std::path::Path;

use secrecy::SecretString;

use super::Context;
use crate::error::CommandError;
use crate::input::blocking;
use crate::settings::trimmed_secret;
use crate::signals::{self, EndSignal};
use crate::terminal::{self, SecretError};

/// What a person must type before a command goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code)] // `Name` is for commands that delete
pub(crate) enum Confirmation<'a> {
    /// `y` or `yes`.
    Yes,
    /// This name.
    Name(&'a str),
}

impl Confirmation<'_> {
    fn prompt(self, question: &str) -> String {
        match self {
            Self::Yes => format!("{question} [y/N]: "),
            Self::Name(name) => format!("{question}\nType {name} to confirm: "),
        }
    }

    fn accepts(self, answer: &str) -> bool {
        match self {
            Self::Yes => matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"),
            Self::Name(name) => answer == name,
        }
    }
}

fn unreadable(error: io::Error) -> CommandError {
    CommandError::while_doing("can't read the standard input", error)
}

impl Context {
    /// The input of a command that takes lines beside its arguments, if it is to be read; see
    /// [`Input::read_if_requested`](crate::input::Input::read_if_requested). The run can be ended
    /// meanwhile.
    pub(crate) async fn requested_input(
        &self,
        arguments: &[String],
    ) -> Result<Option<String>, CommandError> {
        let (ui, arguments) = (self.ui.clone(), arguments.to_vec());
        blocking(move || ui.input().read_if_requested(&arguments)).await.map_err(unreadable)
    }

    /// Reads the whole standard input. The run can be ended meanwhile.
    pub(crate) async fn read_stdin(&self) -> Result<Vec<u8>, CommandError> {
        let ui = self.ui.clone();
        tokio::select! {
            read = blocking(move || ui.input().read_to_end()) => read.map_err(unreadable),
            signal = signals::received() => Err(CommandError::ended(signal)),
        }
    }

    /// Reads the first line of the standard input as a secret; `None` if it is empty.
    pub(crate) async fn read_secret_line(&self) -> Result<Option<SecretString>, CommandError> {
        let ui = self.ui.clone();
        tokio::select! {
            line = blocking(move || ui.input().read_line()) => {
                Ok(trimmed_secret(&line.map_err(unreadable)?).ok())
            }
            signal = signals::received() => Err(CommandError::ended(signal)),
        }
    }

    /// Reads a file that was named on the command line. `-` is the standard input.
    pub(crate) async fn read_given(&self, file: &Path) -> Result<Vec<u8>, CommandError> {
        if file.as_os_str() == "-" {
            return self.read_stdin().await;
        }
        let read = tokio::fs::read(self.path(file)?).await;
        read.map_err(|error| {
            CommandError::while_doing(format!("failed to read the file {}", file.display()), error)
        })
    }

    /// Returns whether a person can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        self.ui.can_ask()
    }

    /// Asks for a secret, which is not shown while it is typed. A signal that ends the run restores
    /// the terminal.
    pub(crate) async fn ask_secret(&self, question: &str) -> Result<SecretString, CommandError> {
        if !self.can_ask() {
            return Err(CommandError::new("no token was given, and stdin is not a terminal")
                .hint("give it with CONVOX_TOKEN or --token"));
        }
        self.ui.ask(question)?;
        let fd = self.ui.input().fd().map(|fd| fd.try_clone_to_owned()).transpose();
        let fd =
            fd.map_err(unreadable)?.ok_or_else(|| CommandError::new(SecretError::NotATerminal))?;
        let typed = tokio::select! {
            // The signals first: they must be handled before the echo is turned off.
            biased;
            signal = signals::received() => Err(CommandError::ended(signal)),
            typed = terminal::read_secret(fd) => typed.map_err(|error| match error {
                SecretError::Interrupted => CommandError::ended(EndSignal::Interrupt),
                error => CommandError::new(error),
            }),
        };
        self.ui.ask("\n")?;
        typed
    }

    /// Asks `question`; returns whether it was confirmed.
    ///
    /// # Errors
    /// stdin is not a terminal, so there is no one to ask.
    pub(crate) async fn confirm(
        &self,
        question: &str,
        confirmation: Confirmation<'_>,
    ) -> Result<bool, CommandError> {
        if !self.can_ask() {
            return Err(CommandError::new(format!(
                "{question} This needs a confirmation, and stdin is not a terminal"
            )));
        }
        self.ui.ask(&confirmation.prompt(question))?;
        let ui = self.ui.clone();
        tokio::select! {
            answer = blocking(move || ui.input().read_line()) => {
                Ok(confirmation.accepts(answer.map_err(unreadable)?.trim()))
            }
            signal = signals::received() => Err(CommandError::ended(signal)),
        }
    }
}
