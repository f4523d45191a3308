//! `run`, `exec` and `proxy`: what can happen to their websockets.

use std::sync::Arc;
use std::time::Duration;

use crate::at_once;
use convox_wire::frame::EXIT_MARKER;
use serde_json::Value;

use crate::support::cli::Cli;
use crate::support::fault::Fault;
use crate::support::proxy::{Proxy, Received, Setup};
use crate::support::{MockServer, Output, PASSWORD, Response, TestRack, app, ordinary, until};

/// The number of commands that run at once.
const AT_ONCE: usize = 8;
/// Far above the limits of [`crate::support::cli::LIMITS`], and far below any default.
const SOON: Duration = Duration::from_secs(25);
/// What the remote command prints and how it ends.
const COMMAND: &str = "echo here; exit 7";
const PRINTED: &str = "here\n";

/// What can happen to the websocket of a session.
const FAULTS: [Fault; 22] = [
    Fault::Pass,
    Fault::Reset,
    Fault::Lost,
    Fault::Hang,
    Fault::Middle,
    Fault::Status(401),
    Fault::Status(404),
    Fault::Status(500),
    Fault::Status(502),
    Fault::CarriedOut(502),
    Fault::Html,
    // Before the first frame, in its head, behind it, in the exit marker, in the exit code.
    Fault::Cut(0),
    Fault::Cut(1),
    Fault::Cut(4),
    Fault::Cut(7),
    Fault::Cut(20),
    Fault::Cut(1000),
    Fault::Close(1000),
    Fault::Close(1001),
    Fault::Close(1008),
    Fault::Close(1011),
    Fault::Close(1012),
];

/// A rack with an app, whose process has this id.
async fn rack() -> (TestRack, String) {
    let rack = TestRack::temporary();
    rack.api.post("/apps", &[("name", "web")]).await;
    let (_, release) = rack.api.build("web", &app::archive(&[("convox.yml", app::IDLE)])).await;
    rack.api.promote("web", &release).await;
    let running = |list: &Value| list[0]["status"] == "running";
    let listed = rack.api.until("/apps/web/processes", running).await;
    let process = listed[0]["id"].as_str().unwrap().to_owned();
    (rack, process)
}

fn is_session(request: &Received) -> bool {
    request.key.starts_with("SOCKET ")
}

/// A proxy where the fault happens to every websocket.
fn proxy(rack: &TestRack, fault: Fault) -> Proxy {
    let script = move |request: &Received| if is_session(request) { fault } else { Fault::Pass };
    Proxy::start(Setup::new(rack.address, script))
}

/// Whether the message says that the process may run on, or was stopped, wherever that is not
/// certain from what the rack has answered.
fn says_what_became_of_it(ran: &Output, fault: Fault) -> bool {
    let is_refusal = matches!(fault, Fault::Status(..502) | Fault::Html);
    let words = if ran.line.starts_with("convox run") {
        " has been stopped\n"
    } else {
        "HINT: the command may still be running in the process\n"
    };
    is_refusal || ran.err.contains(words)
}

/// Whether this is a beginning of the output. That of an exit marker without its end is output too:
/// a program may print it.
fn is_beginning(out: &str) -> bool {
    format!("{PRINTED}{EXIT_MARKER}").starts_with(out)
}

/// What is wrong with how a session ended.
fn check(ran: &Output, fault: Fault) -> Result<(), String> {
    let errors = ran.err.lines().filter(|line| line.starts_with("ERROR: ")).count();
    let has_hint = ran.err.lines().any(|line| line.starts_with("HINT: "));
    // Nothing is lost if only the end of the stream is missing.
    let is_whole = matches!(fault, Fault::Pass | Fault::Cut(1000));
    match ran.code {
        7 if ran.out == PRINTED && ran.err.is_empty() => Ok(()),
        1 if is_whole => Err("the exit code is lost".to_owned()),
        1 if errors != 1 => Err(format!("{errors} errors")),
        1 if !has_hint => Err("no hint".to_owned()),
        1 if !is_beginning(&ran.out) => Err("output that is not the command's".to_owned()),
        1 if !says_what_became_of_it(ran, fault) => Err("the process is not mentioned".to_owned()),
        1 if ran.took > SOON => Err(format!("it took {:?}", ran.took)),
        1 => Ok(()),
        code => Err(format!("exit {code}")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_breaks_off_is_a_failure_that_says_what_became_of_its_process() {
    let (rack, process) = rack().await;
    let rack = Arc::new(rack);
    let home = tempfile::tempdir().unwrap();
    let targets = [("exec", process), ("run", "web".to_owned())];
    let cells = FAULTS.into_iter().flat_map(|fault| {
        targets.clone().map(|(verb, target)| {
            let (rack, home) = (rack.clone(), home.path().to_owned());
            async move {
                let proxy = proxy(&rack, fault);
                let args = [verb, &target, "-a", "web", "--", "sh", "-c", COMMAND];
                let ran = Cli::new(&args, &home).at(proxy.address, PASSWORD).run().await;
                let result = check(&ran, fault);
                result.map_err(|wrong| format!("{verb}, {fault}: {wrong}\n{ran}"))
            }
        })
    });
    let results = at_once(AT_ONCE, cells).await;
    let wrong: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Each one-off process was stopped.
    rack.api.until("/apps/web/processes", |list| list.as_array().unwrap().len() == 1).await;
}

#[test]
fn a_terminal_is_restored_when_its_session_breaks_off() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (rack, process) = runtime.block_on(rack());
    let home = tempfile::tempdir().unwrap();
    for (verb, target, words) in [
        ("exec", process.as_str(), "HINT: the command may still be running in the process\r\n"),
        ("run", "web", " has been stopped\r\n"),
    ] {
        for fault in [Fault::Cut(4000), Fault::Cut(6000)] {
            let proxy = runtime.block_on(async { proxy(&rack, fault) });
            let args = [verb, target, "-a", "web", "sh"];
            let mut terminal =
                Cli::new(&args, home.path()).at(proxy.address, PASSWORD).on_terminal();
            until("raw mode", || (!terminal.echoes()).then_some(()));
            terminal.types("echo ready; yes | head -c 9000\r");
            terminal.shows("\nready");
            until("the restored terminal", || terminal.echoes().then_some(()));
            let (code, shown) = terminal.end();
            assert_eq!(code, 1, "{verb}, {fault}: {shown}");
            assert!(shown.contains("the session broke off: "), "{verb}, {fault}: {shown}");
            assert!(shown.contains(words), "{verb}, {fault}: {shown}");
        }
    }
}

#[test]
fn an_exit_code_is_found_wherever_frames_split_its_marker() {
    let whole = format!("{PRINTED}{EXIT_MARKER}7\n");
    // The number of a process says where the output is split.
    let mock = MockServer::new(|ask| {
        let whole = format!("{PRINTED}{EXIT_MARKER}7\n");
        let process = ask.line.split('/').nth(4).unwrap_or_default();
        match process.strip_prefix("web-").and_then(|number| number.parse().ok()) {
            Some(0) => Response::log(&whole.split("").collect::<Vec<_>>()),
            Some(at) if at < whole.len() => Response::log(&[&whole[..at], &whole[at..]]),
            // Without its end, it is output as any other.
            Some(at) => Response::log(&[PRINTED, &EXIT_MARKER[..at - whole.len()], "and on\n"]),
            None => ordinary(ask),
        }
    });
    let home = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let exec = |number: usize| {
        let process = format!("web-{number}");
        let args = ["exec", &process, "-a", "web", "--", "sh", "-c", COMMAND];
        let cli = Cli::new(&args, home.path()).at(mock.host(), PASSWORD);
        runtime.block_on(async { cli.run().await })
    };
    for at in 0..whole.len() {
        let ran = exec(at);
        assert_eq!((ran.code, &*ran.out, &*ran.err), (7, PRINTED, ""), "at {at}");
    }
    for length in [1, 8, EXIT_MARKER.len() - 1] {
        let ran = exec(whole.len() + length);
        let beginning = &EXIT_MARKER[..length];
        assert_eq!(ran.code, 1, "{ran}");
        assert_eq!(ran.out, format!("{PRINTED}{beginning}and on\n"));
        assert!(ran.err.contains("HINT: "), "{ran}");
    }
}
