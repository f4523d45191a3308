//! Passwords and values that must not be shown.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use snapbox::str;

use crate::support::{MockServer, Output, PASSWORD, Request, Response, Story, ordinary};

#[test]
fn debug_output_has_each_request_and_socket_of_a_deploy_but_no_password() {
    let story = Story::new("web");
    let ran = story.run("convox deploy --create --wait --debug");
    assert!(!ran.err.contains(PASSWORD) && !ran.err.contains("Authorization"));
    for part in [
        "DEBUG: GET /apps/web/builds 404, ",
        "DEBUG: POST /apps 200, ",
        "DEBUG: POST /apps/web/builds 200, ",
        "DEBUG: socket ",
        "/promote 200, ",
        " bytes, ",
        " ms\n",
    ] {
        ran.code(0).stderr_contains(part);
    }
    assert!(ran.err.lines().all(|line| line.starts_with("DEBUG: ")), "{ran}");
}

#[test]
fn debug_output_has_the_size_of_a_response_but_not_of_a_refusal() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps" => Response::json("[]"),
        _ => Response::refusal(403, "no"),
    });
    let story = Story::against(&fake);
    story.run("convox apps --debug").stderr_contains("DEBUG: GET /apps 200, 2 bytes, ");
    let ran = story.run("convox rack --debug");
    ran.stderr_contains("DEBUG: GET /system 403, ");
    assert!(!ran.err.contains("bytes"), "{ran}");
}

#[test]
fn the_variable_asks_for_the_same_and_stdout_stays_as_it_is() {
    let mut story = Story::new("web");
    story.set("CONVOX_DEBUG", "1");
    let ran = story.run("convox apps");
    ran.code(0).out(str![[r#"APP  STATUS"#]]).stderr_contains("DEBUG: GET /apps 200, ");
}

#[test]
fn debug_output_has_no_values_of_the_environment() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    let ran = story.run("convox env set TOKEN=hush-hush --debug");
    assert!(ran.code == 0 && !ran.err.contains("hush-hush"), "{ran}");
}

/// A password with characters that are encoded in URLs.
const ODD: &str = "p@ss w0rd/é";

/// The credentials of a request in all forms in which a rack or a proxy may send them back.
fn echo(ask: &Request) -> String {
    let header = ask.header("authorization").unwrap_or_default();
    let pair = BASE64_STANDARD.decode(header.trim_start_matches("Basic ")).unwrap_or_default();
    let pair = String::from_utf8(pair).unwrap();
    format!("bad: {header}; {pair}; http://p%40ss%20w0rd%2F%C3%A9@rack; Bearer eyJh.eyJz.x-1")
}

fn against(fake: &MockServer) -> Story {
    let mut story = Story::against(fake);
    story.set("RACK_URL", format!("http://convox:p%40ss%20w0rd%2F%C3%A9@{}", fake.host()));
    story
}

#[track_caller]
fn assert_no_secret(ran: &Output) {
    for secret in [ODD, "w0rd", "Y29udm94OnBAc3Mg", "eyJh"] {
        assert!(!ran.err.contains(secret) && !ran.out.contains(secret), "{secret} in {ran}");
    }
    ran.code(1)
        .stderr_contains("bad: Basic [REDACTED]")
        .stderr_contains("convox:[REDACTED]; http://[REDACTED]@rack;");
}

#[test]
fn credentials_that_are_sent_back_are_not_shown() {
    for status in [200, 401, 403, 407, 500] {
        let fake = MockServer::new(move |ask| Response::refusal(status, &echo(ask)));
        assert_no_secret(&against(&fake).run("convox apps --debug"));
        let fake = MockServer::new(move |ask| {
            let error = serde_json::json!({"error": echo(ask)}).to_string();
            Response::of(status.max(400), "application/json", &error)
        });
        assert_no_secret(&against(&fake).run("convox apps --debug"));
    }
}

#[test]
fn credentials_that_are_sent_back_by_a_log_are_not_shown() {
    for in_a_frame in [false, true] {
        let fake = MockServer::new(move |ask| match ask.line.as_str() {
            "GET /apps/web/logs" if in_a_frame => {
                Response::log(&[&format!("ERROR: {}", echo(ask))])
            }
            "GET /apps/web/logs" => Response::refusal(403, &echo(ask)),
            _ => ordinary(ask),
        });
        assert_no_secret(&against(&fake).run("convox logs --no-follow --debug"));
    }
}
