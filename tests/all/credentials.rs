//! Tokens and passwords, wherever they enter the program.

use std::fs;

use crate::support::{MockServer, PASSWORD, Request, Response, Story, until};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// A console that accepts exactly one token.
fn console() -> MockServer {
    MockServer::new(|ask| match ask.line.as_str() {
        "GET /auth" if token(ask) == PASSWORD => Response::json(r#"{"id":"user-1"}"#),
        "GET /racks" if token(ask) == PASSWORD => Response::json("[]"),
        _ => Response::refusal(401, "invalid authentication"),
    })
}

fn token(ask: &Request) -> String {
    let login = ask.header("authorization").and_then(|login| login.strip_prefix("Basic "));
    let login = login.and_then(|login| BASE64_STANDARD.decode(login).ok()).unwrap_or_default();
    let login = String::from_utf8(login).unwrap();
    login.split_once(':').map(|(_, token)| token.to_owned()).unwrap_or_default()
}

fn story(console: &MockServer) -> Story {
    let mut story = Story::alone("web");
    story.set("X_DEV_ALLOW_HTTP", "true").set("CONVOX_RETRY", "0");
    story.set("HOST", console.host());
    story
}

fn stored(story: &Story) -> String {
    let auth: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(story.settings("auth")).unwrap()).unwrap();
    let token = auth.as_object().unwrap().values().next().unwrap();
    token.as_str().unwrap().to_owned()
}

#[test]
fn white_space_around_a_token_is_neither_sent_nor_stored() {
    let console = console();
    for spaced in ["T\n", "T\r\n", "  T ", "\tT"] {
        let mut story = story(&console);
        let spaced = spaced.replace('T', PASSWORD);
        story.set("CONVOX_TOKEN", spaced.as_str());
        story.shell("convox login \"$HOST\"").code(0);
        assert_eq!(stored(&story), PASSWORD);
        story.unset("CONVOX_TOKEN").set("SPACED", spaced.as_str());
        story.shell("convox login \"$HOST\" --token \"$SPACED\"").code(0);
        assert_eq!(stored(&story), PASSWORD);
        story.set("CONVOX_HOST", console.host()).set("CONVOX_PASSWORD", spaced.as_str());
        story.run("convox racks").ok();
    }
}

#[test]
fn an_empty_token_is_refused_without_a_request() {
    let console = console();
    let mut story = story(&console);
    for token in ["", " ", "\n"] {
        story.set("EMPTY", token);
        let ran = story.shell("convox login \"$HOST\" --token \"$EMPTY\"");
        ran.code(2).stderr_contains("the value is empty");
    }
    story.set("CONVOX_TOKEN", " \n");
    let ran = story.shell("convox login \"$HOST\"");
    ran.code(2).stderr_contains("CONVOX_TOKEN: the value is empty");
    assert_eq!(console.requests().len(), 0);
}

#[test]
fn a_token_that_another_client_stored_with_white_space_is_sent_without() {
    let console = console();
    let mut story = story(&console);
    fs::create_dir_all(story.settings("")).unwrap();
    let auth = serde_json::json!({ console.host(): format!("{PASSWORD}\n") });
    fs::write(story.settings("auth"), auth.to_string()).unwrap();
    story.set("CONVOX_HOST", console.host());
    story.run("convox racks").ok();
}

#[test]
fn an_entered_token_is_trimmed_and_an_empty_one_refused() {
    let console = console();
    let story = story(&console);
    let login = format!("convox login {}", console.host());
    let mut terminal = story.on_terminal(&login);
    until("the echo to be off", || (!terminal.echoes()).then_some(()));
    terminal.types(&format!("  {PASSWORD} \n"));
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert_eq!(stored(&story), PASSWORD);
    fs::remove_dir_all(story.settings("")).unwrap();
    let mut terminal = story.on_terminal(&login);
    until("the echo to be off", || (!terminal.echoes()).then_some(()));
    terminal.types(" \n");
    let (code, seen) = terminal.end();
    assert!(code == 1 && seen.contains("no token was entered"), "{code} {seen}");
}

#[test]
fn a_raw_slash_in_the_password_of_rack_url_is_refused_with_advice() {
    let mut story = Story::alone("web");
    for password in ["pa/ss", "12/ss", "pa#ss", "pa?ss"] {
        story.set("RACK_URL", format!("https://convox:{password}@rack.invalid"));
        let ran = story.run("convox apps");
        ran.code(2).stderr_contains("RACK_URL: ").stderr_contains("percent-encode the password");
        assert!(!ran.err.contains(password), "{ran}");
    }
}
