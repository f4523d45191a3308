//! Sessions of a console, with and without a second factor.

use std::fs;

use convox_devrack::console::{Fault, Required};

use crate::support::console::{BROWSER, RACK, TOKEN, TestConsole};
use crate::support::{MockServer, Response, Story, screen};

fn story(console: &TestConsole, rack: Story) -> Story {
    let mut story = rack;
    story.unset("RACK_URL").set("CONVOX_RETRY", "0").set("CONVOX_RACK", RACK);
    for (name, value) in console.variables() {
        story.set(name, value);
    }
    story
}

/// A rack with the app web, a console before it, and a browser that signs at once.
fn scene() -> (Story, TestConsole) {
    let rack = Story::new("web");
    rack.run("convox apps create web").ok();
    let console = TestConsole::start(rack.rack());
    let mut story = story(&console, rack);
    story.program("a-browser", BROWSER).set("BROWSER", "a-browser");
    (story, console)
}

/// No output shows a session, an assertion or a token.
fn shows_no_secret(story: &Story, shown: &str) {
    let session = fs::read_to_string(story.settings("session")).unwrap_or_default();
    for secret in session.split('"').skip(3).step_by(4).chain([TOKEN, "signature", "eyJpZCI"]) {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

#[test]
fn a_session_is_created_once_and_stored_for_the_host_of_the_console() {
    let (story, console) = scene();
    console.console.require(Required::Session);
    for _ in 0..2 {
        let ran = story.run("convox apps --debug");
        ran.code(0).stdout_contains("web");
        shows_no_secret(&story, &ran.err);
    }
    assert_eq!(console.console.given(), 1);
    let stored = fs::read_to_string(story.settings("session")).unwrap();
    assert!(stored.contains(&console.address.to_string()), "{stored}");
}

#[test]
fn without_a_terminal_a_second_factor_is_an_error_that_says_what_to_do() {
    let (story, console) = scene();
    console.console.require(Required::SecondFactor);
    for line in ["convox apps", "convox racks", "convox logs -a web"] {
        let ran = story.run(line);
        ran.code(1).out("").stderr_contains("requires a second factor: there is no terminal");
        ran.stderr_contains("with: convox login 127.0.0.1:").stderr_contains("CONVOX_TOKEN");
    }
    assert_eq!((console.console.signed(), console.console.given()), (0, 0));
}

#[test]
fn on_a_terminal_any_command_asks_for_the_second_factor_in_the_browser_once() {
    let (story, console) = scene();
    console.console.require(Required::SecondFactor);
    let (code, seen) = story.on_terminal("convox apps --debug").end();
    let shown = screen(&seen);
    assert!(code == 0 && shown.contains("web"), "{shown}");
    assert!(
        seen.contains("requires a second factor; confirm it in the browser: http://"),
        "{shown}"
    );
    shows_no_secret(&story, &seen);
    let page = fs::read_to_string(story.path("home/page")).unwrap();
    assert_eq!(page, "you may now close the window");
    story.run("convox apps").code(0);
    assert_eq!((console.console.signed(), console.console.given()), (1, 1));
}

#[test]
fn login_asks_for_the_second_factor() {
    let (mut story, console) = scene();
    console.console.require(Required::SecondFactor);
    let login = format!("convox login {} --token {TOKEN}", console.address);
    story.run(&login).code(1).stderr_contains("requires a second factor: there is no terminal");
    assert!(!story.settings("auth").exists());
    let (code, seen) = story.on_terminal(&login).end();
    assert_eq!(code, 0, "{seen}");
    story.unset("CONVOX_PASSWORD").unset("CONVOX_HOST");
    story.run("convox apps").code(0).stdout_contains("web");
    assert_eq!(console.console.given(), 1);
}

#[test]
fn a_wrong_second_factor_is_asked_for_again_three_times_at_most() {
    let (story, console) = scene();
    console.console.require(Required::SecondFactor);
    console.console.sign_wrongly(2);
    let (code, seen) = story.on_terminal("convox apps").end();
    assert!(code == 0 && seen.matches("refused the second factor; confirm").count() == 2, "{seen}");
    console.console.require(Required::SecondFactor);
    console.console.sign_wrongly(9);
    let (code, seen) = story.on_terminal("convox racks").end();
    assert_eq!((code, console.console.signed()), (1, 6), "{seen}");
    assert!(seen.contains("the console refused it 3 times (invalid assertion)"), "{seen}");
    assert!(seen.contains("HINT: then try again with: convox login 127.0.0.1:"), "{seen}");
}

#[test]
fn ctrl_c_ends_the_wait_for_the_browser() {
    let (mut story, console) = scene();
    console.console.require(Required::SecondFactor);
    story.set("BROWSER", "true");
    for line in ["convox apps", "convox apps create other"] {
        let mut terminal = story.on_terminal(line);
        terminal.shows("confirm it in the browser");
        terminal.types("\u{3}");
        let (code, seen) = terminal.end();
        assert_eq!(code, 130, "{seen}");
    }
    assert_eq!(console.console.given(), 0);
}

#[test]
fn a_browser_that_cannot_be_opened_leaves_the_address_to_the_person() {
    let (mut story, console) = scene();
    console.console.require(Required::SecondFactor);
    story.set("BROWSER", "no-such-browser");
    let terminal = story.on_terminal("convox apps");
    terminal.shows("open the address yourself");
    let seen = terminal.seen().replace(['\r', '\n'], "");
    let address = seen.split("browser: ").nth(1).unwrap();
    let address = address.split("WARNING").next().unwrap();
    story.shell(&format!("curl -sL '{address}'; echo")).prints("you may now close the window");
    let (code, seen) = terminal.end();
    assert!(code == 0 && seen.contains("web"), "{seen}");
}

#[test]
fn a_console_that_never_accepts_its_sessions_is_an_error() {
    let rack = Story::new("web");
    let console = TestConsole::with(rack.rack(), |_| Fault::Expire(Required::Session));
    let ran = story(&console, rack).run("convox racks");
    ran.code(1).stderr_contains("refuses the session that it has just given\nHINT: log in again");
}

#[test]
fn racks_and_organizations_that_are_not_there_and_names_of_several_racks_are_named() {
    let (mut story, _console) = scene();
    story.unset("CONVOX_RACK");
    for (line, error) in [
        ("convox apps -r nowhere/production", "could not find rack: nowhere/production"),
        ("convox apps -r production", "(matches acme/production, beta/production)"),
    ] {
        story.run(line).code(1).stderr_contains(error).stderr_contains("with: convox racks");
    }
    story.run("convox runtimes nowhere").code(1).stderr_contains("organization not found: nowhere");
}

#[test]
fn a_selection_that_is_empty_foreign_or_half_written_is_named_with_its_remedy() {
    let (mut story, _console) = scene();
    story.unset("CONVOX_RACK");
    fs::create_dir_all(story.settings("")).unwrap();
    for (text, error) in [
        ("", "no current rack"),
        ("{\"color\":\"green\"}", "no current rack"),
        ("acme/production\n", "/current is not a JSON object"),
        ("{\"name\":\"acme/prod", "/current is not a JSON object"),
        ("{\"name\":\"acme/production\"}", "unknown rack type"),
        ("{\"name\":\"acme/production\",\"type\":\"moon\"}", "unknown rack type: moon"),
        ("{\"name\":\"acme/gone\",\"type\":\"console\"}", "no such console rack: acme/gone"),
    ] {
        fs::write(story.settings("current"), text).unwrap();
        let ran = story.run("convox apps");
        ran.code(1).out("").stderr_contains(error).stderr_contains("HINT: ");
    }
    story.run("convox switch acme").code(0);
    story.run("convox apps").code(0).stdout_contains("web");
}

#[test]
fn a_token_that_has_expired_or_may_not_do_this_is_named() {
    for (message, hint) in [
        (
            "invalid authentication: token is expired",
            "HINT: the token is not valid, or has expired",
        ),
        ("you are unauthorized to access this", "HINT: the token does not permit this"),
    ] {
        let rack = MockServer::new(move |_| Response::refusal(401, message));
        let ran = Story::against(&rack).run("convox apps");
        ran.code(1).stderr_contains(&format!("ERROR: {message}\n{hint}"));
        ran.stderr_contains("create a token with: convox rack access --role ROLE");
    }
}
