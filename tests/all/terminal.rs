//! Output that is shown only in terminals.

use snapbox::str;

use std::path::PathBuf;

use rustix::process::Signal;

use crate::support::{
    MockServer, PASSWORD, Request, Response, Story, Terminal, ordinary, screen, until,
};

/// A rack where everything succeeds, except for the responses of `script`.
fn rack(script: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static) -> MockServer {
    MockServer::new(move |ask| match (script(ask), ask.line.as_str()) {
        (Some(reply), _) => reply,
        (None, "POST /apps/web/builds") => Response::json(r#"{"id":"BNEW","status":"running"}"#),
        (None, "GET /apps/web/builds/BNEW") => {
            Response::json(r#"{"id":"BNEW","status":"complete","release":"RNEW"}"#)
        }
        (None, "GET /apps/web/builds/BNEW/logs") => Response::log(&["step 1\n"]),
        (None, "POST /apps/web/releases/RNEW/promote") => Response::refusal(200, "ok\n"),
        (None, line) if line.starts_with("POST /apps/web/objects/") => {
            Response::json(r#"{"Url":"object://web/tmp/x.tgz"}"#)
        }
        (None, _) => ordinary(ask),
    })
}

fn on_terminal(fake: &MockServer) -> Story {
    let mut story = Story::against(fake);
    story.set("TERM", "xterm-256color");
    story
}

#[test]
fn the_progress_bar_is_redrawn_in_place_and_leaves_one_line() {
    let gate: PathBuf = tempfile::tempdir().unwrap().keep().join("gate");
    let opened = gate.clone();
    let fake = rack(move |ask| {
        if ask.line.contains("/objects/") {
            until("the gate", || opened.exists().then_some(()));
        }
        None
    });
    let story = on_terminal(&fake);
    let terminal = story.on_terminal("convox deploy");
    let bars = |text: &str| text.matches("Uploading: ").count();
    until("a bar that moves", || (bars(&terminal.seen()) >= 3).then_some(()));
    assert_eq!(bars(&screen(&terminal.seen())), 1, "{}", screen(&terminal.seen()));
    std::fs::create_dir(&gate).unwrap();
    let (code, seen) = terminal.end();
    std::fs::remove_dir_all(gate.parent().unwrap()).unwrap();
    let shown = screen(&seen);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(lines[..2], ["Deploying web", "Creating tarball... OK"]);
    assert!(lines[2].starts_with("Uploading: ") && lines[2].len() == 70, "{shown}");
    assert!(lines[2].contains("] 100.00 % "), "{shown}");
    let rest = ["Starting build... OK", "step 1", "Promoting RNEW... UPDATING"];
    assert_eq!(lines[3..6], rest, "{shown}");
    let undo = "HINT: undo it with: convox releases rollback RACTIVE -a web";
    assert_eq!(lines[6..], [undo], "{shown}");
}

#[test]
fn a_narrow_terminal_gets_a_narrow_bar() {
    let fake = rack(|_| None);
    let story = on_terminal(&fake);
    let (code, seen) = Terminal::start_on(story.command("convox deploy"), 50).end();
    let shown = screen(&seen);
    let bar = shown.lines().find(|line| line.starts_with("Uploading")).unwrap();
    assert!(code == 0 && bar.len() < 50 && bar.ends_with('s'), "{shown}");
}

fn bytes_of_apps(story: &Story) -> String {
    let (code, seen) = story.on_terminal("convox apps").end();
    assert_eq!(code, 0, "{seen}");
    assert_eq!(screen(&seen), "APP  STATUS\nweb  running\n");
    seen
}

#[test]
fn colors_are_used_only_in_terminals_that_support_them() {
    let fake = MockServer::new(ordinary);
    let mut story = on_terminal(&fake);
    assert!(bytes_of_apps(&story).contains("\u{1b}["));
    story.set("NO_COLOR", "1");
    assert!(!bytes_of_apps(&story).contains('\u{1b}'));
    story.unset("NO_COLOR").set("TERM", "dumb");
    assert!(!bytes_of_apps(&story).contains('\u{1b}'));
    story.set("TERM", "xterm-256color");
    story.run("convox apps").prints(str![[r#"
APP  STATUS
web  running
"#]]);
}

#[test]
fn a_dumb_terminal_gets_one_final_bar() {
    let fake = rack(|_| None);
    let mut story = on_terminal(&fake);
    story.set("TERM", "dumb");
    let (_, seen) = story.on_terminal("convox deploy").end();
    assert!(seen.matches("Uploading: ").count() == 1 && !seen.contains('\u{1b}'), "{seen:?}");
}

#[test]
fn ctrl_c_during_a_build_names_the_command_that_follows_it() {
    let fake = rack(|ask| match ask.line.as_str() {
        "GET /apps/web/builds/BNEW" => Some(Response::json(r#"{"id":"BNEW","status":"running"}"#)),
        "GET /apps/web/builds/BNEW/logs" => Some(Response::open_log(&["step 1\n"])),
        _ => None,
    });
    let story = on_terminal(&fake);
    let mut terminal = story.on_terminal("convox deploy");
    terminal.shows("step 1");
    terminal.types("\u{3}");
    let (code, seen) = terminal.end();
    let shown = screen(&seen);
    assert_eq!(code, 130, "{shown}");
    assert!(
        shown.ends_with(
            "^C\nERROR: interrupted; the build goes on at the rack\n\
             HINT: follow it with: convox builds logs BNEW -a web\n"
        ),
        "{shown}"
    );
}

#[test]
fn ctrl_c_during_a_wait_reports_that_the_rack_continues() {
    let fake = rack(|ask| match ask.line.as_str() {
        "GET /apps/web/releases" => None,
        "GET /apps/web" => {
            Some(Response::json(r#"{"name":"web","status":"running","release":"RACTIVE"}"#))
        }
        _ => None,
    });
    let mut story = on_terminal(&fake);
    story.set("CONVOX_WAIT", "1");
    let mut terminal = story.on_terminal("convox releases promote RNEW");
    terminal.shows("Waiting for RNEW... ");
    terminal.types("\u{3}");
    let (code, seen) = terminal.end();
    let shown = screen(&seen);
    assert_eq!(code, 130, "{shown}");
    assert!(
        shown.ends_with(
            "^C\nERROR: interrupted; the rack goes on promoting RNEW\n\
             HINT: show its status with: convox apps info web\n"
        ),
        "{shown}"
    );
}

#[test]
fn a_token_is_asked_for_without_showing_it() {
    let console = MockServer::new(|ask| match ask.line.as_str() {
        "GET /auth" => Response::json(r#"{"id":"user-1"}"#),
        _ => Response::refusal(404, ""),
    });
    let mut story = Story::alone("web");
    story.set("X_DEV_ALLOW_HTTP", "true").set("TERM", "xterm-256color");
    let mut terminal = story.on_terminal(&format!("convox login {}", console.host()));
    terminal.shows("CLI Token: ");
    until("a terminal that shows nothing", || (!terminal.echoes()).then_some(()));
    terminal.types(&format!("{PASSWORD}\n"));
    let (code, seen) = terminal.end();
    assert!(code == 0 && !seen.contains(PASSWORD), "{seen}");
    let expected = format!("CLI Token:\nAuthenticating with {}... OK\n", console.host());
    assert_eq!(screen(&seen), expected);
    let auth = std::fs::read_to_string(story.settings("auth")).unwrap();
    assert!(auth.contains(PASSWORD));
}

#[test]
fn ctrl_c_at_the_prompt_leaves_with_130_and_the_terminal_as_it_was() {
    let console = MockServer::new(|_| Response::refusal(404, ""));
    let mut story = Story::alone("web");
    story.set("X_DEV_ALLOW_HTTP", "true");
    let mut terminal = story.on_terminal(&format!("convox login {}", console.host()));
    terminal.shows("CLI Token: ");
    until("a terminal that shows nothing", || (!terminal.echoes()).then_some(()));
    terminal.types("\u{3}");
    until("a terminal that shows what is typed", || terminal.echoes().then_some(()));
    let (code, seen) = terminal.end();
    assert!(code == 130 && screen(&seen).ends_with("\nERROR: interrupted\n"), "{seen}");
}

#[test]
fn masked_values_are_hidden_on_a_terminal_unless_revealed() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story.run("convox env set COLOR=teal TOKEN=hush").code(0);
    let put = story.rack().send("PUT /apps/web/configs/cli-env-mask", "value=VE9LRU4=");
    assert_eq!(put.status, 200, "{put:?}");
    let shown = |line: &str| screen(&story.on_terminal(line).end().1);
    assert_eq!(shown("convox env"), "COLOR=teal\nTOKEN=****\n");
    assert_eq!(shown("convox env --reveal"), "COLOR=teal\nTOKEN=hush\n");
    assert_eq!(shown("convox env get TOKEN"), "hush\n");
    let info = shown("convox releases info RAAAAAAAAAA");
    assert!(info.contains("TOKEN=****") && !info.contains("hush"), "{info}");
    story.run("convox env").prints(str![[r#"
COLOR=teal
TOKEN=hush
"#]]);
}

#[test]
fn responses_cannot_move_the_cursor() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps" => Response::json(r#"[{"name":"a\u001b[2J\u0007b\rc","status":"run\nning"}]"#),
        _ => Response::refusal(500, "no\u{1b}]0;title\u{7} such\u{8} thing"),
    });
    let story = on_terminal(&fake);
    let (_, seen) = story.on_terminal("convox apps").end();
    assert!(!seen.contains("\u{1b}[2J") && !seen.contains('\u{7}'), "{seen:?}");
    assert_eq!(screen(&seen).lines().count(), 2, "{seen:?}");
    let (code, seen) = story.on_terminal("convox rack").end();
    assert!(code == 1 && !seen.contains("\u{1b}]") && !seen.contains('\u{8}'), "{seen:?}");
    assert_eq!(seen.lines().count(), 3, "an error and two hints: {seen:?}");
}

#[test]
fn logs_keep_their_colors_and_show_other_control_bytes() {
    let line =
        "2020-01-01T00:00:00Z service/web/x \u{1b}[31mred\u{1b}[0m \u{7}bell \u{1b}[2Jgone\n";
    let fake = rack(move |ask| match ask.line.as_str() {
        "GET /apps/web/logs" | "GET /apps/web/builds/BACTIVE/logs" => Some(Response::log(&[line])),
        _ => None,
    });
    let mut story = on_terminal(&fake);
    for command in ["convox logs --no-follow", "convox builds logs BACTIVE"] {
        let (code, seen) = story.on_terminal(command).end();
        assert!(code == 0 && seen.contains("\u{1b}[31mred\u{1b}[0m"), "{seen:?}");
        assert!(!seen.contains('\u{7}') && !seen.contains("\u{1b}[2J"), "{seen:?}");
        assert!(seen.contains("bell") && seen.contains("gone"), "{seen:?}");
        let (_, raw) = story.on_terminal(&format!("{command} --raw")).end();
        assert!(raw.contains('\u{7}') && raw.contains("\u{1b}[2J"), "{raw:?}");
    }
    story.set("NO_COLOR", "1");
    let (_, seen) = story.on_terminal("convox logs --no-follow").end();
    assert!(seen.contains("red"), "{seen:?}");
}

#[test]
fn watching_ends_with_ctrl_c() {
    let fake = MockServer::new(ordinary);
    let story = on_terminal(&fake);
    let mut terminal = story.on_terminal("convox apps --watch 1");
    until("a second look", || (fake.count("GET /apps") >= 2).then_some(()));
    terminal.types("\u{3}");
    let (code, seen) = terminal.end();
    assert!(code == 0 || code == 130, "{code}: {seen}");
    assert!(seen.contains("Every 1s:"), "{seen}");
}

#[test]
fn watching_that_is_ended_by_another_signal_has_its_exit_code() {
    let fake = MockServer::new(ordinary);
    let story = on_terminal(&fake);
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let before = fake.count("GET /apps");
        let running = story.start("convox apps --watch 1");
        until("a second look", || (fake.count("GET /apps") >= before + 2).then_some(()));
        running.signal(signal);
        running.end().code(code);
    }
}

#[test]
fn the_lines_of_a_log_show_seconds_colored_sources_and_ids_once() {
    let line = "2026-11-26T16:04:58.390931623Z system/web/web-1 web-1: ready\n";
    let fake = rack(move |ask| match ask.line.as_str() {
        "GET /apps/web/logs" => Some(Response::log(&[line])),
        _ => None,
    });
    let mut story = on_terminal(&fake);
    let (_, seen) = story.on_terminal("convox logs --no-follow").end();
    assert!(seen.contains("2026-11-26T16:04:58Z \u{1b}[38;5;"), "{seen:?}");
    assert_eq!(screen(&seen).trim(), "2026-11-26T16:04:58Z system/web/web-1 ready");
    let (_, raw) = story.on_terminal("convox logs --no-follow --raw").end();
    assert_eq!(screen(&raw).trim(), line.trim());
    story
        .shell("convox logs --no-follow | grep -q '58.390931623Z system/web/web-1 web-1: ready'")
        .ok();
    story.set("NO_COLOR", "1");
    let (_, seen) = story.on_terminal("convox logs --no-follow").end();
    assert!(!seen.contains("[38;5;"), "{seen:?}");
}

#[test]
fn a_manual_page_is_shown_by_man_or_else_by_the_pager() {
    let mut story = Story::alone("web");
    story.set("TERM", "xterm-256color");
    story.program("man", "echo \"shown by man $*\"; grep '^.TH'");
    let (code, seen) = story.on_terminal("convox man releases promote").end();
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("shown by man -l -"), "{seen}");
    assert!(seen.contains(".TH convox-releases-promote 1"), "{seen}");
    story.program("man", "exit 16");
    story.set("PAGER", "sed -n 's/^/> /; 1p; /EXIT CODES/p; $p'");
    let (code, seen) = story.on_terminal("convox man environment").end();
    assert_eq!(code, 0, "{seen}");
    assert!(screen(&seen).starts_with("> Environment variables that convox reads"), "{seen}");
    story.set("PAGER", "exit 1");
    let (code, seen) = story.on_terminal("convox man deploy").end();
    assert!(code == 0 && seen.contains(".TH convox-deploy 1"), "{seen}");
    story.run("convox man deploy").ok().stdout_contains(".TH convox-deploy 1");
}

#[test]
fn ctrl_c_in_a_pager_is_left_to_it() {
    let mut story = Story::alone("web");
    story.set("TERM", "xterm-256color");
    story.program(
        "man",
        "trap 'echo got it' INT; echo ready; read -r key < /dev/tty; read -r key < /dev/tty; echo left",
    );
    let mut terminal = story.on_terminal("convox man");
    terminal.shows("ready");
    terminal.types("\u{3}");
    terminal.shows("got it");
    terminal.types("q\n");
    let (code, seen) = terminal.end();
    assert!(code == 0 && seen.contains("left"), "{code}: {seen}");
}
