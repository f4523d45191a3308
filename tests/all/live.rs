//! What a terminal shows while a command works, and after a signal.

use std::fs::{self, File};
use std::path::PathBuf;

use rustix::process::{Signal, kill_process};

use crate::support::{MockServer, Request, Response, Story, Terminal, ordinary, screen, until};

/// A rack whose uploads wait until the gate exists.
fn rack_with_gate(gate: PathBuf) -> MockServer {
    MockServer::new(move |ask: &Request| match ask.line.as_str() {
        "POST /apps/web/builds" => Response::json(r#"{"id":"BNEW","status":"running"}"#),
        "GET /apps/web/builds/BNEW" => {
            Response::json(r#"{"id":"BNEW","status":"complete","release":"RNEW"}"#)
        }
        "GET /apps/web/builds/BNEW/logs" => Response::log(&["step 1\n"]),
        "POST /apps/web/releases/RNEW/promote" => Response::refusal(200, "ok\n"),
        line if line.starts_with("POST /apps/web/objects/") => {
            until("the gate", || gate.exists().then_some(()));
            Response::json(r#"{"Url":"object://web/tmp/x.tgz"}"#)
        }
        _ => ordinary(ask),
    })
}

#[test]
fn the_bar_follows_the_width_of_the_terminal_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let gate = dir.path().join("gate");
    let rack = rack_with_gate(gate.clone());
    let mut story = Story::against(&rack);
    story.set("TERM", "xterm-256color");
    let terminal = Terminal::start_on(story.command("convox deploy"), 60);
    let bars = |seen: &str| -> Vec<usize> {
        let drawn = seen.split("\r\u{1b}[2K\u{1b}[J").skip(1);
        drawn.map(|line| line.split('\r').next().unwrap_or_default().chars().count()).collect()
    };
    until("a bar of 59 columns", || bars(&terminal.seen()).contains(&59).then_some(()));
    terminal.resize(40);
    let narrow = |seen: &str| bars(seen).iter().filter(|length| **length <= 39).count();
    until("bars that fit 40 columns", || (narrow(&terminal.seen()) >= 4).then_some(()));
    terminal.resize(90);
    until("a bar of 70 columns", || bars(&terminal.seen()).contains(&70).then_some(()));
    let seen = terminal.seen();
    let lengths = bars(&seen);
    let first = lengths.iter().position(|length| *length <= 39).unwrap();
    assert!(lengths[first..].iter().all(|length| *length <= 39 || *length == 70), "{lengths:?}");
    assert_eq!(screen(&seen).matches("Uploading").count(), 1, "{}", screen(&seen));
    File::create(gate).unwrap();
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{}", screen(&seen));
    assert_eq!(screen(&seen).matches("Uploading").count(), 1, "{}", screen(&seen));
}

#[test]
fn the_other_style_shows_the_progress_beside_its_step() {
    let dir = tempfile::tempdir().unwrap();
    let gate = dir.path().join("gate");
    let rack = rack_with_gate(gate.clone());
    let mut story = Story::against(&rack);
    story.set("TERM", "xterm-256color");
    let terminal = story.on_terminal("convox build");
    terminal.shows("Uploading source... ").shows(" %");
    File::create(gate).unwrap();
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert!(screen(&seen).contains("Uploading source... OK\n"), "{}", screen(&seen));
}

fn console() -> MockServer {
    MockServer::new(|_| Response::refusal(401, "invalid authentication"))
}

#[test]
fn a_signal_at_the_prompt_restores_the_terminal() {
    let console = console();
    let mut story = Story::alone("web");
    story.set("X_DEV_ALLOW_HTTP", "true").set("CONVOX_RETRY", "0");
    let signals = [(Signal::TERM, 143), (Signal::HUP, 129)];
    for (signal, expected) in signals {
        let terminal = story.on_terminal(&format!("convox login {}", console.host()));
        terminal.shows("CLI Token: ");
        until("the echo to be off", || (!terminal.echoes()).then_some(()));
        kill_process(terminal.pid(), signal).unwrap();
        until("the echo to be on", || terminal.echoes().then_some(()));
        let (code, seen) = terminal.end();
        assert_eq!(code, expected, "{seen}");
    }
}

#[test]
fn ctrl_c_ends_a_command_that_waits_for_the_settings() {
    let story = Story::alone("web");
    fs::create_dir_all(story.settings("")).unwrap();
    let lock = File::create(story.settings(".lock")).unwrap();
    lock.lock().unwrap();
    let running = story.start("convox switch @dev");
    running.shows("NOTICE: another process is writing settings; waiting for it");
    running.interrupt();
    running.end().code(130).stderr_contains("ERROR: interrupted");
    assert!(!story.settings("current").exists());
    let running = story.start("convox switch @dev");
    running.shows("NOTICE: another process is writing settings; waiting for it");
    drop(lock);
    running.end().code(0).out("Switched to dev");
}

#[test]
fn a_terminal_of_unknown_kind_is_a_dumb_one() {
    let rack = MockServer::new(ordinary);
    let mut story = Story::against(&rack);
    for term in [None, Some(""), Some("dumb")] {
        match term {
            Some(term) => story.set("TERM", term),
            None => story.unset("TERM"),
        };
        let (code, seen) = story.on_terminal("convox apps").end();
        assert!(code == 0 && !seen.contains('\u{1b}'), "{term:?}: {seen:?}");
    }
}

#[test]
fn ctrl_c_while_packing_says_that_nothing_was_sent() {
    let dir = tempfile::tempdir().unwrap();
    let rack = rack_with_gate(dir.path().join("gate"));
    let story = Story::against(&rack);
    // A file that takes longer to pack than the test takes.
    File::create(story.path("web/large")).unwrap().set_len(1 << 36).unwrap();
    let packing = story.start("convox deploy");
    packing.shows("Creating tarball...");
    packing.interrupt();
    let ran = packing.end();
    ran.code(130).stderr_contains("ERROR: interrupted; nothing was sent to be built\n");
    assert_eq!(rack.count("POST /apps/web/builds"), 0);
}
