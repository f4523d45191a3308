//! How a run ends well: with a value to show, a document, or what it has printed on the way. The
//! only place where exit codes are chosen.

use std::fmt;

use crate::output::{Document, Value};
use crate::signals::EndSignal;

/// The exit codes of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command did what it was asked to.
    Done,
    /// It could not.
    Failed,
    /// The command line was wrong.
    Usage,
    /// A wait reached its limit; the rack goes on.
    TimedOut,
    /// The exit code of a remote process.
    Remote(u8),
    /// Ended by a signal.
    Signal(EndSignal),
}

impl Exit {
    /// Every code, for documentation. That of a remote command stands for any.
    pub(crate) const ALL: &[Self] = &[
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::TimedOut,
        Self::Signal(EndSignal::HangUp),
        Self::Signal(EndSignal::Interrupt),
        Self::Signal(EndSignal::Terminate),
        Self::Remote(0),
    ];

    /// What the code means, in a sentence.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "The command succeeded.",
            Self::Failed => "The command failed.",
            Self::Usage => "The command line or an environment variable is invalid.",
            Self::TimedOut => "A wait timed out; the rack continues.",
            Self::Remote(_) => "The exit code of the remote command.",
            Self::Signal(EndSignal::HangUp) => "HUP ended the command: its terminal is gone.",
            Self::Signal(EndSignal::Interrupt) => "INT ended the command, as Ctrl-C sends it.",
            Self::Signal(EndSignal::Terminate) => "TERM ended the command.",
        }
    }

    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::TimedOut => 124,
            Self::Remote(code) => code,
            Self::Signal(EndSignal::HangUp) => 129,
            Self::Signal(EndSignal::Interrupt) => 130,
            Self::Signal(EndSignal::Terminate) => 143,
        }
    }
}

/// A run that succeeded.
pub(crate) struct Outcome {
    pub(crate) output: Output,
    /// What `--id` prints.
    pub(crate) id: Option<String>,
    pub(crate) exit: Exit,
}

/// What a run prints at its end.
pub(crate) enum Output {
    /// A value, for people or with `--json`.
    Render(Box<dyn Value>),
    /// A document with `--json`; people have seen the events.
    Json(Box<dyn Document>),
    /// Nothing: the events were the output, with `--json` too.
    Streamed,
}

impl Outcome {
    /// The value is the output.
    pub(crate) fn render(value: impl Value + 'static) -> Self {
        Self { output: Output::Render(Box::new(value)), id: None, exit: Exit::Done }
    }

    /// The events were the output; the document is for `--json`.
    pub(crate) fn json(document: impl Document + 'static) -> Self {
        Self { output: Output::Json(Box::new(document)), id: None, exit: Exit::Done }
    }

    /// The events were the output, with `--json` too.
    pub(crate) fn streamed() -> Self {
        Self { output: Output::Streamed, id: None, exit: Exit::Done }
    }

    /// Ends the run with the exit code of a remote process.
    pub(crate) fn with_remote_exit(mut self, code: u8) -> Self {
        self.exit = Exit::Remote(code);
        self
    }

    /// Adds the id that `--id` prints.
    pub(crate) fn with_id(mut self, id: &impl fmt::Display) -> Self {
        self.id = Some(id.to_string());
        self
    }
}
