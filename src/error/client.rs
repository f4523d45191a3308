//! What to do about a failed request, as far as the request alone tells.

use crate::output::humanize;

use super::{CommandError, Hint, from_complete_error};
use convox_client::rack::{Cause, CertificateProblem, Error, LogError, PinnedBy, Refusal};
use convox_client::transport::{FactorError, ProxyCause, RequestLine};
use convox_client::wait::WaitError;

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let hints = hints_for(&error);
        from_complete_error(error).with_hints(hints)
    }
}

impl CommandError {
    /// A failed request about something that is named by the command line. `list` shows what there
    /// is.
    pub(crate) fn about_named(error: Error, list: Hint) -> Self {
        let Error::Status { request, status: status @ (404 | 500), message, .. } = &error else {
            return error.into();
        };
        let request = request.clone();
        match error.refusal() {
            Some(Refusal::NoMessage) if *status == 404 => {
                from_complete_error(error).hint(format!("the request was {request}")).hint(list)
            }
            Some(Refusal::AppNotFound) => error.into(),
            _ if message.contains("not found") || message.contains("no such") => {
                from_complete_error(error).hint(list)
            }
            _ => error.into(),
        }
    }
}

impl From<LogError> for CommandError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Refused(text) => Self::refused(text),
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

impl CommandError {
    /// A rack's refusal that came inside a websocket, without a status.
    pub(crate) fn refused(message: String) -> Self {
        let hint = match message.contains("executable file not found") {
            true => Some("check the name of the program, and the PATH of the process".into()),
            false => for_missing(&Refusal::of(None, &message)),
        };
        Self::new(message).with_hints(hint)
    }
}

fn hints_for(error: &Error) -> Vec<Hint> {
    match error {
        Error::Certificate(problem) => for_certificate(problem),
        Error::Unreachable { address, .. } if is_socket(address) => {
            vec![Hint::command("start the development rack with", "rack start").arg("--detach")]
        }
        Error::Unreachable { cause, .. } => for_network(cause),
        Error::Proxy { variable, cause, .. } => for_proxy(variable, cause),
        Error::Status { request, status, .. } => {
            for_refusal(error.refusal().unwrap_or(Refusal::Other), request, *status)
        }
        Error::TooLarge { size, server, .. } => for_too_large(*size, server.as_deref()),
        Error::Handshake { .. } => vec![Hint::command("check the rack's status with", "rack")],
        Error::InvalidResponse { request, .. } if request.is_change() => find_out(request),
        Error::InvalidResponse { .. } => vec![check_address()],
        Error::OutcomeUnknown { request, .. } => find_out(request),
        Error::Ambiguous(_) => vec![Hint::command("list builds with", "builds")],
        Error::NoSession(error) => hints_for(error),
        Error::SecondFactor { address, cause } => for_second_factor(address, cause),
        Error::SessionRefused { address } => vec![log_in_at(address)],
        _ => Vec::new(),
    }
}

fn for_refusal(refusal: Refusal, request: &RequestLine, status: u16) -> Vec<Hint> {
    match refusal {
        Refusal::TokenExpired => vec![Hint::LogIn],
        Refusal::Unauthorized => vec![Hint::Credentials],
        Refusal::Forbidden if request.is_change() => vec![
            "the role of the token does not permit this: use the password of the rack, or a token \
             with the role write or admin"
                .into(),
            new_token(),
        ],
        Refusal::Forbidden => {
            vec!["the token does not permit this: use one with the role read".into(), new_token()]
        }
        Refusal::InvalidJwt => {
            vec!["the token is not valid, or has expired".into(), new_token()]
        }
        Refusal::ResourceNotFound if request.to_string().contains(" /apps/") => {
            vec![Hint::command("list resources with", "resources")]
        }
        Refusal::NoMessage => {
            let mut hints = for_status(status);
            hints.insert(0, format!("the request was {request}").into());
            hints
        }
        Refusal::Other if status >= 500 => vec![
            format!("the rack failed at {request}").into(),
            Hint::command("check the rack's status with", "rack"),
        ],
        refusal => for_missing(&refusal).into_iter().collect(),
    }
}

/// Advises where to find the names of what is missing.
fn for_missing(refusal: &Refusal) -> Option<Hint> {
    let (lead, command) = match refusal {
        Refusal::AppNotFound => ("list apps with", "apps"),
        Refusal::BuildNotFound => ("list builds with", "builds"),
        Refusal::ProcessNotFound => ("list processes with", "ps"),
        Refusal::ReleaseNotFound => ("list releases with", "releases"),
        Refusal::ServiceNotFound => ("list services with", "services"),
        _ => return None,
    };
    Some(Hint::command(lead, command))
}

/// Whether an address is the path of a Unix-domain socket, as only the development rack has one.
fn is_socket(address: &str) -> bool {
    address.starts_with('/')
}

/// Only a login with the password of the rack may create tokens of every role.
fn new_token() -> Hint {
    Hint::command("with the password of the rack, create a token with", "rack access")
        .arg("--role")
        .arg("ROLE")
        .arg("--duration-in-hours")
        .arg("HOURS")
}

fn log_in_at(address: &str) -> Hint {
    Hint::command("log in again with", "login").arg(address)
}

/// The way that needs no person.
pub(crate) const WITHOUT_FACTOR: &str =
    "log in with a token that needs no second factor: --token or CONVOX_TOKEN";

fn for_second_factor(address: &str, cause: &FactorError) -> Vec<Hint> {
    match cause {
        FactorError::Unattended => vec![
            Hint::command(
                "confirm it on a terminal, for the commands that follow too, with",
                "login",
            )
            .arg(address),
            format!("or {WITHOUT_FACTOR}").into(),
        ],
        FactorError::Refused { .. } => vec![
            "check that the key is registered with your account at the console".into(),
            Hint::command("then try again with", "login").arg(address),
        ],
        _ => vec![Hint::command("try again with", "login").arg(address)],
    }
}

fn for_too_large(size: Option<u64>, server: Option<&str>) -> Vec<Hint> {
    let body =
        size.map_or("the body".to_owned(), |size| format!("a body of {}", humanize::size(size)));
    let server = server.unwrap_or("the rack, or a proxy in front of it,");
    vec![
        format!("{server} refused {body}").into(),
        "leave files out of the source with .dockerignore, or raise the limit of the proxy".into(),
    ]
}

/// For a change that may or may not have been carried out.
fn find_out(request: &RequestLine) -> Vec<Hint> {
    let mut hints = vec!["find out what became of it before you try again".into()];
    if request.to_string().ends_with("/processes") {
        hints.push(Hint::command("list processes with", "ps"));
        return hints;
    }
    hints.extend([
        Hint::command("list builds with", "builds"),
        Hint::command("list releases with", "releases"),
        Hint::command("show the app with", "apps info"),
    ]);
    hints
}

fn check_address() -> Hint {
    Hint::command("check that this is the address of a rack", "racks")
}

fn for_status(status: u16) -> Vec<Hint> {
    match status {
        300..400 => vec!["a proxy redirects to another address".into(), check_address()],
        404 | 405 => vec![check_address(), "the rack may be too old for this".into()],
        429 => vec!["the rack is busy: try again later".into()],
        502..=504 => vec!["the proxy before the rack cannot reach it: try again later".into()],
        _ => vec!["the rack's own log has the reason".into()],
    }
}

fn for_certificate(problem: &CertificateProblem) -> Vec<Hint> {
    const IN_THE_MIDDLE: &str = "this could be a man-in-the-middle attack";
    match problem {
        CertificateProblem::Unknown { address, fingerprint, .. } => vec![
            Hint::command("if this is the rack's own certificate, trust it with", "login")
                .arg(address)
                .arg("--trust"),
            format!("or set CONVOX_TRUST={fingerprint}, or CONVOX_CA_CERT=FILE.pem").into(),
        ],
        CertificateProblem::Changed { address, by: PinnedBy::Login, .. } => vec![
            IN_THE_MIDDLE.into(),
            Hint::command("if the rack has a new certificate, trust it with", "login")
                .arg(address)
                .arg("--trust"),
        ],
        CertificateProblem::Changed { fingerprint, by: PinnedBy::Variable, .. } => vec![
            IN_THE_MIDDLE.into(),
            format!(
                "if the rack has a new certificate, set CONVOX_TRUST={fingerprint} or unset it"
            )
            .into(),
        ],
    }
}

fn for_proxy(variable: &str, cause: &ProxyCause) -> Vec<Hint> {
    let first = match cause {
        ProxyCause::Unauthorized => format!("put user and password into {variable}"),
        _ => format!("check {variable}"),
    };
    vec![first.into(), "list hosts to reach without a proxy in NO_PROXY".into()]
}

fn for_network(cause: &Cause) -> Vec<Hint> {
    match cause {
        Cause::ConnectionRefused => {
            vec![Hint::Address("check that the rack is running, and its address")]
        }
        Cause::Dns(_) => vec![Hint::Address("check the address")],
        Cause::Tls(_) => vec!["check that the rack speaks https at this address".into()],
        Cause::Timeout(_) | Cause::Cut(_) | Cause::Other(_) => {
            vec!["check the network and try again".into()]
        }
    }
}
