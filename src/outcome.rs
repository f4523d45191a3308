//! How a run ends: with a value to show, or with a failure and what to do about it. The only place
//! where an exit code is chosen.

use std::fmt;

use crate::output::stdio::OutputError;
use crate::output::{Document, Value};
use convox_client::rack::{Cause, CertificateProblem, Error, LogError, PinnedBy};
use convox_client::wait::WaitError;

/// The exit codes of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// The command line was wrong.
    Usage,
    /// A wait ran out; the rack goes on.
    TimedOut,
    /// Interrupted from the keyboard.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
        }
    }
}

/// A run that has succeeded.
pub(crate) struct Outcome {
    pub(crate) result: Output,
    /// What `--id` prints.
    pub(crate) id: Option<String>,
}

/// What a run has come to.
pub(crate) enum Output {
    /// This is the output.
    Render(Box<dyn Value>),
    /// The events were the output; this is for `--json`.
    Json(Box<dyn Document>),
    /// The events were the output, with `--json` too.
    Streamed,
}

impl Outcome {
    /// The value is the output.
    pub(crate) fn render(value: impl Value + 'static) -> Self {
        Self { result: Output::Render(Box::new(value)), id: None }
    }

    /// The events were the output; the document is for `--json`.
    pub(crate) fn json(document: impl Document + 'static) -> Self {
        Self { result: Output::Json(Box::new(document)), id: None }
    }

    /// The events were the output, with `--json` too.
    pub(crate) fn streamed() -> Self {
        Self { result: Output::Streamed, id: None }
    }

    /// And this is its id.
    pub(crate) fn with_id(mut self, id: &impl fmt::Display) -> Self {
        self.id = Some(id.to_string());
        self
    }
}

/// A run that has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandError {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What failed and why; the rack's own words where it has refused.
    pub(crate) what: String,
    /// What to do next.
    pub(crate) help: Option<String>,
    /// The output was closed: no failure of a command that only reads.
    pub(crate) closed: bool,
}

impl CommandError {
    /// Something failed.
    pub(crate) fn new(what: impl fmt::Display) -> Self {
        Self { exit: Exit::Failed, what: what.to_string(), help: None, closed: false }
    }

    /// What was asked for cannot be meant.
    pub(crate) fn usage(what: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, ..Self::new(what) }
    }

    /// Ctrl-C was pressed.
    pub(crate) fn interrupted(what: impl fmt::Display) -> Self {
        Self { exit: Exit::Interrupted, ..Self::new(what) }
    }

    /// A wait ran out.
    pub(crate) fn timed_out(what: impl fmt::Display) -> Self {
        Self { exit: Exit::TimedOut, ..Self::new(what) }
    }

    /// Nobody reads the output any more.
    pub(crate) fn is_closed_output(&self) -> bool {
        self.closed
    }

    /// Commands that the help names mean this rack, which was named by a flag.
    pub(crate) fn on_rack(mut self, rack: Option<&str>) -> Self {
        if let (Some(help), Some(rack)) = (&mut self.help, rack)
            && help.contains(" -a ")
        {
            *help = help.replace(" -a ", &format!(" -r {rack} -a "));
        }
        self
    }

    /// And this can be done about it.
    pub(crate) fn hint(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(match self.help {
            Some(first) => format!("{first}; {help}"),
            None => help.to_string(),
        });
        self
    }
}

/// One line: what failed, and what to do.
impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, ", {help}"))
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let failure = Self::new(&error);
        match help_for(&error) {
            Some(help) => failure.hint(help),
            None => failure,
        }
    }
}

/// What to do where a change may or may not have been carried out.
const FIND_OUT: &str = "find out what became of it before you try again: convox builds, \
                        convox releases, convox apps info";

/// What to do about a failed request, as far as the request alone tells.
fn help_for(error: &Error) -> Option<String> {
    match error {
        Error::Certificate(problem) => Some(help_for_certificate(problem)),
        Error::Unreachable { cause, .. } => Some(help_for_network(cause).to_owned()),
        Error::Status { status: 401, .. } => Some(
            "check the password in RACK_URL, or log in again with: convox login HOST".to_owned(),
        ),
        Error::Status { message, call, status, .. } => match message.as_str() {
            "can not promote an older release, try rollback" => None,
            _ if message.starts_with("app not found: ") || message.starts_with("no such app: ") => {
                Some("list them with: convox apps".to_owned())
            }
            _ if message.starts_with("no such build: ") => {
                Some("list them with: convox builds".to_owned())
            }
            _ if message.starts_with("no such release: ") => {
                Some("list them with: convox releases".to_owned())
            }
            // The rack said nothing itself: say at least what was asked, and what it may mean.
            _ if *message == format!("response status {status}") => {
                Some(format!("{call}: {}", help_for_status(*status)))
            }
            _ if *status >= 500 => Some(format!("the rack failed at {call}; see: convox rack")),
            _ => None,
        },
        Error::Handshake { .. } => Some("is the rack well? See: convox rack".to_owned()),
        Error::InvalidResponse { call, .. } if call.is_change() => Some(FIND_OUT.to_owned()),
        Error::InvalidResponse { .. } => {
            Some("is this the address of a rack? See: convox racks".to_owned())
        }
        Error::OutcomeUnknown { .. } => Some(FIND_OUT.to_owned()),
        Error::NoSession(error) => help_for(error),
        _ => None,
    }
}

fn help_for_status(status: u16) -> &'static str {
    match status {
        300..400 => {
            "something in between points elsewhere; is this the address of a rack? See: convox racks"
        }
        404 | 405 => "is this the address of a rack, and the rack new enough? See: convox racks",
        429 => "the rack has too much to do, try again later",
        502..=504 => "what stands before the rack can't reach it, try again later",
        _ => "see the rack's own log for the reason",
    }
}

fn help_for_certificate(problem: &CertificateProblem) -> String {
    match problem {
        CertificateProblem::Unknown { address, fingerprint, .. } => format!(
            "if that is the rack's own certificate: convox login {address} --trust \
             (or CONVOX_TRUST={fingerprint}, or CONVOX_CA_CERT=FILE.pem)"
        ),
        CertificateProblem::Changed { address, by: PinnedBy::Login, .. } => format!(
            "somebody may be in between; if the rack has a new certificate: convox login {address} --trust"
        ),
        CertificateProblem::Changed { fingerprint, by: PinnedBy::Variable, .. } => format!(
            "somebody may be in between; if the rack has a new certificate, \
             set CONVOX_TRUST={fingerprint} or unset it"
        ),
    }
}

fn help_for_network(cause: &Cause) -> &'static str {
    match cause {
        Cause::Refused => "is the rack running, and the address right? See: convox racks",
        Cause::Dns(_) => "check the address with: convox racks",
        Cause::Tls(_) => "does the rack speak https at this address?",
        Cause::Timeout(_) => "check the network and try again; limits are in the README",
        Cause::Cut(_) | Cause::Other(_) => "check the network and try again",
    }
}

impl From<OutputError> for CommandError {
    fn from(error: OutputError) -> Self {
        let closed = matches!(error, OutputError::Closed);
        Self { closed, ..Self::new(error) }
    }
}

impl From<LogError> for CommandError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Refused(words) => Self::new(words),
            LogError::Transport(error) => error.into(),
        }
    }
}

impl From<WaitError> for CommandError {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::TimedOut => Self::timed_out("timeout"),
            WaitError::Rack(error) => error.into(),
        }
    }
}
