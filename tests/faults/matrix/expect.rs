//! What each cell of the matrix must come to.

use std::time::Duration;

use super::flow::Flow;
use crate::support::fault::Fault;

/// What a request is to the command that sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Its own act, or what it must know first.
    Own,
    /// A look whether something is over.
    Poll,
    /// Something it shows beside its work; it says so where that fails.
    View,
    /// Something it would have liked to know.
    Extra,
}

/// How a command must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) code: i32,
    pub(crate) log: Log,
}

/// What is to be seen of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    /// Every line once, in order.
    Whole,
    /// None of it, and a warning that says how to see it.
    Warned,
    /// What there was until the end.
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
        // Did anybody else change the environment meanwhile?
        ("GET /apps/APP/releases", _) if flow == Flow::EnvSet => Role::Extra,
        _ => Role::Own,
    }
}

/// How often a request is worth an own row: what comes later is more of the same.
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

/// Is a build under way at the rack that is killed?
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

/// A third of what an answer may take, as 20 s are.
const STALL: Duration = Duration::from_secs(1);

/// Does this fault mean anything to this request?
pub(crate) fn applies(flow: Flow, key: &str, fault: Fault) -> bool {
    let socket = key.starts_with("SOCKET");
    let changes = key.starts_with("POST");
    // A followed log has no end that could be missing.
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
