//! `login`.

use snapbox::str;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{MockServer, PASSWORD, Request, Response, Story};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// A console that accepts one token.
fn console() -> MockServer {
    MockServer::new(|ask| match ask.line.as_str() {
        "GET /auth" if shows(ask, PASSWORD) => Response::json(r#"{"id":"user-1"}"#),
        "GET /auth" => Response::refusal(401, "invalid authentication"),
        "GET /racks" => Response::json("[]"),
        _ => Response::refusal(404, ""),
    })
}

fn shows(ask: &Request, token: &str) -> bool {
    let login = ask.header("authorization").and_then(|login| login.strip_prefix("Basic "));
    let login = login.and_then(|login| BASE64_STANDARD.decode(login).ok()).unwrap_or_default();
    login.ends_with(format!(":{token}").as_bytes())
}

fn story() -> Story {
    let mut story = Story::alone("web");
    story.set("X_DEV_ALLOW_HTTP", "true").set("CONVOX_RETRY", "0");
    story
}

#[test]
fn a_token_that_is_accepted_is_stored_for_its_owner_alone() {
    let (console, mut story) = (console(), story());
    let host = console.host();
    story.set("CONVOX_TOKEN", PASSWORD);
    story
        .run(&format!("convox login {host}"))
        .prints(str![[r#"Authenticating with 127.0.0.1:10001... OK"#]]);
    story.unset("CONVOX_TOKEN");
    let auth = fs::read_to_string(story.settings("auth")).unwrap();
    assert!(auth.contains(&host) && auth.contains(PASSWORD));
    let mode = fs::metadata(story.settings("auth")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    story.run("convox racks").prints(str![[r#"NAME  PROVIDER  STATUS"#]]);
    assert!(shows(&console.one("GET /racks"), PASSWORD));
    for flag in ["--token", "-t", "--password", "-p"] {
        story.run(&format!("convox login {host} {flag} {PASSWORD}")).code(0);
        story.run(&format!("convox login {host} {flag} wrong")).code(1);
    }
    let again = story.run(&format!("convox login {host} --json")).json();
    assert_eq!(again, serde_json::json!({"host": "127.0.0.1:10001", "user": "user-1"}));
}

#[test]
fn the_default_directory_becomes_private_and_a_chosen_one_keeps_its_mode() {
    let (console, mut story) = (console(), story());
    let line = format!("convox login {} --token {PASSWORD}", console.host());
    let named = story.path("home/shared");
    let open = fs::Permissions::from_mode(0o755);
    for directory in [story.settings(""), named.clone()] {
        fs::create_dir_all(&directory).unwrap();
        fs::set_permissions(&directory, open.clone()).unwrap();
    }
    let mode =
        |directory: &std::path::Path| fs::metadata(directory).unwrap().permissions().mode() & 0o777;
    story.run(&line).code(0);
    assert_eq!(mode(&story.settings("")), 0o700);
    story.set("CONVOX_CONFIG", named.as_os_str());
    story.run(&line).code(0);
    assert_eq!(mode(&named), 0o755);
}

#[test]
fn a_wrong_token_is_refused_and_nothing_is_stored() {
    let (console, story) = (console(), story());
    let ran = story.run(&format!("convox login {} --token wrong-token", console.host()));
    ran.fails(str![[r#"
ERROR: invalid login
HINT: check that the token is right, and for this host
"#]]);
    assert!(!story.settings("auth").exists());
    assert!(!ran.err.contains("wrong-token"));
}

#[test]
fn a_page_instead_of_a_response_is_not_a_login() {
    for reply in
        [Response::html(200), Response::refusal(200, "Please sign in"), Response::json("{]")]
    {
        let (portal, story) = (MockServer::new(move |_| reply.clone()), story());
        let ran = story.run(&format!("convox login {} --token a-token", portal.host()));
        assert!(ran.code == 1 && !ran.out.contains("OK"), "{ran}");
        ran.stderr_contains("ERROR: invalid response to GET /auth: ");
        assert!(!story.settings("").exists(), "{ran}");
    }
}

#[test]
fn the_response_of_a_rack_itself_is_a_login() {
    let (rack, story) = (MockServer::new(|_| Response::refusal(200, "ok\n")), story());
    story.run(&format!("convox login {} --token a-token", rack.host())).ok();
    assert!(story.settings("auth").exists());
}

#[test]
fn login_without_a_terminal_never_prompts() {
    let (console, story) = (console(), story());
    story.run(&format!("convox login {}", console.host())).fails(str![[r#"
ERROR: no token was given, and stdin is not a terminal
HINT: give it with CONVOX_TOKEN or --token
"#]]);
    assert!(console.requests().is_empty());
}

#[test]
fn an_invalid_host_is_a_usage_error() {
    let story = story();
    let ran = story.run("convox login 'not a host' --token x");
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.err.starts_with("ERROR: "), "{ran}");
}

#[test]
fn a_login_to_another_console_does_not_leave_a_rack_of_the_first_one_selected() {
    let (first, second, story) = (console(), console(), story());
    let selected = r#"{"name":"acme/north","type":"console"}"#;
    let line = |console: &MockServer| format!("convox login {} --token {PASSWORD}", console.host());
    story.run(&line(&first)).code(0);
    fs::write(story.settings("current"), selected).unwrap();
    story.run(&line(&first)).code(0).err("");
    assert!(story.settings("current").exists());
    story.run(&line(&second)).code(0).err(str![[r#"
NOTICE: acme/north is a rack of another console, and is no longer selected
HINT: choose a rack with: convox switch RACK
"#]]);
    story.run("convox apps").code(1).stderr_contains("ERROR: no current rack");
    fs::write(story.settings("current"), r#"{"name":"north","type":"direct"}"#).unwrap();
    story.run(&line(&first)).code(0).err("");
    assert!(story.settings("current").exists(), "it is no rack of a console");
}
