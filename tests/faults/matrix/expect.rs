//! The expected result of each cell.

use std::time::Duration;

use super::flow::Flow;
use crate::support::fault::Fault;

/// What a request means to the command that sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The change it makes, or what it has to know before.
    Own,
    /// A check whether something is over.
    Poll,
    /// Something it shows in addition, with a warning if that fails.
    View,
    /// Something it can do without.
    Extra,
}

/// How a command has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) code: i32,
    pub(crate) log: Log,
}

/// What has to be shown of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    /// Every line once, in order.
    Whole,
    /// Nothing but a warning with the command that shows it.
    Warned,
    /// The beginning, up to the failure.
    Beginning,
}

fn role(flow: Flow, key: &str, nth: usize) -> Role {
    match (key, nth) {
        ("SOCKET /apps/APP/builds/BUILD/logs", _) if flow.builds() => Role::View,
        ("SOCKET /apps/APP/logs", _) if flow.promotes() => Role::Extra,
        ("GET /apps/APP/processes", _) => Role::Extra,
        ("GET /apps/APP/builds/BUILD", _) => Role::Poll,
        ("GET /apps/APP", 3..) if flow == Flow::Deploy => Role::Poll,
        ("GET /apps/APP", 2..) if flow.promotes() && flow != Flow::Deploy => Role::Poll,
        // To say which variables come along.
        ("GET /apps/APP", _) if flow == Flow::Build => Role::Extra,
        // To report concurrent changes of the environment.
        ("GET /apps/APP/releases", _) if flow == Flow::EnvSet => Role::Extra,
        _ => Role::Own,
    }
}

/// The number of requests with a key that have rows of their own: later ones mean the same.
pub(crate) fn rows(flow: Flow, key: &str) -> usize {
    match key {
        "GET /apps/APP" if flow == Flow::Deploy => 3,
        "GET /apps/APP" if flow.promotes() => 2,
        "GET /apps/APP/builds" if flow.builds() => 2,
        "GET /apps/APP/releases?limit=1" => 2,
        _ => 1,
    }
}

pub(crate) fn expected(flow: Flow, key: &str, nth: usize, fault: Fault) -> Expected {
    let role = role(flow, key, nth);
    let (code, log) = match fault {
        Fault::Status(500) | Fault::Html | Fault::Truncated => match role {
            Role::Own => (1, Log::Beginning),
            Role::Poll | Role::Extra => (0, Log::Whole),
            Role::View => (0, Log::Warned),
        },
        Fault::Killed | Fault::KilledAfter if ends_a_build(flow, key, nth, fault) => {
            (1, Log::Beginning)
        }
        _ => (0, Log::Whole),
    };
    Expected { code, log }
}

/// Whether a build is running at the rack when it is killed.
fn ends_a_build(flow: Flow, key: &str, nth: usize, fault: Fault) -> bool {
    let follows = match key {
        "SOCKET /apps/APP/builds/BUILD/logs" | "GET /apps/APP/builds/BUILD" => nth == 1,
        "POST /apps/APP/builds" => fault == Fault::KilledAfter,
        _ => false,
    };
    flow.builds() && follows
}

/// The columns of the matrix.
pub(crate) const FAULTS: [Fault; 21] = [
    Fault::RefuseNext,
    Fault::Reset,
    Fault::Lost,
    Fault::Middle,
    Fault::Status(429),
    Fault::Status(500),
    Fault::Status(502),
    Fault::Status(503),
    Fault::Status(504),
    Fault::CarriedOut(504),
    Fault::Stall(STALL),
    Fault::Hang,
    Fault::Truncated,
    Fault::Html,
    Fault::Cut(0),
    Fault::Cut(30),
    Fault::Cut(230),
    Fault::Endless,
    Fault::Killed,
    Fault::KilledAfter,
    Fault::ResetInBody,
];

/// A third of the time limit for a response, like 20 s of the default.
const STALL: Duration = Duration::from_secs(1);

/// Whether this fault can happen to this request.
pub(crate) fn applies(flow: Flow, key: &str, fault: Fault) -> bool {
    let socket = key.starts_with("SOCKET");
    let changes = key.starts_with("POST");
    // The end of a followed log can't be missing: it has none.
    let endless = flow == Flow::Follow || flow.promotes() && !key.contains("builds");
    match fault {
        Fault::Cut(_) => socket,
        Fault::Endless => socket && !endless,
        Fault::CarriedOut(_) | Fault::KilledAfter => changes,
        Fault::Truncated => !socket && !key.ends_with("/promote"),
        Fault::ResetInBody => key.ends_with("/KEY"),
        _ => true,
    }
}
