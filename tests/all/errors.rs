//! Racks that can't be reached, or send invalid responses: an error of one line, and hints.

use snapbox::str;

use std::net::TcpListener;

use crate::support::{MockServer, Output, PASSWORD, Response, Story, ordinary};

#[test]
fn no_rack_configured() {
    let story = Story::alone("web");
    for line in ["convox apps", "convox deploy", "convox releases", "convox logs", "convox rack"] {
        story.run(line).fails(str![[r#"
ERROR: no current rack, use `convox racks` to list and `convox switch <name>` to select
HINT: log in to a console with: convox login HOST
HINT: or set RACK_URL=https://convox:PASSWORD@HOST
HINT: the development rack needs no account: add -r dev
"#]]);
    }
}

fn against(url: &str) -> Story {
    let mut story = Story::alone("web");
    story.set("RACK_URL", url).set("CONVOX_RETRY", "0");
    story
}

#[test]
fn a_rack_that_refuses_connections() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let story = against(&format!("http://convox:{PASSWORD}@127.0.0.1:{port}"));
    story.run("convox apps").fails(str![[r#"
ERROR: can't reach the rack at 127.0.0.1:10001: connection refused
HINT: check that the rack is running, and its address: convox racks
"#]]);
}

#[test]
fn a_rack_whose_name_does_not_resolve() {
    let ran = against(&format!("https://convox:{PASSWORD}@rack.invalid")).run("convox apps");
    fails_alone(&ran);
    ran.stderr_contains(
        "ERROR: can't reach the rack at rack.invalid:443: the name does not resolve (",
    );
    ran.stderr_contains(")\nHINT: check the address: convox racks\n");
}

#[test]
fn a_rack_that_does_not_speak_tls() {
    let fake = MockServer::new(ordinary);
    let story = against(&format!("https://convox:{PASSWORD}@{}", fake.host()));
    let ran = story.run("convox apps");
    fails_alone(&ran);
    ran.stderr_contains("ERROR: can't reach the rack at 127.0.0.1:10001: TLS failed (");
    ran.stderr_contains(")\nHINT: check that the rack speaks https at this address\n");
}

#[test]
fn a_rack_that_never_answers() {
    let fake = MockServer::new(|_| Response::silence());
    let mut story = Story::against(&fake);
    story.set("CONVOX_READ_TIMEOUT", "300ms");
    story.run("convox apps").fails(str![[r#"
ERROR: can't reach the rack at 127.0.0.1:10001: timed out waiting for the response
HINT: check the network and try again
"#]]);
}

#[test]
fn a_refusal_of_any_length_is_cut_short() {
    let fake = MockServer::new(|_| Response::refusal(403, &"no ".repeat(1_000_000)));
    let ran = Story::against(&fake).run("convox apps");
    fails_alone(&ran);
    assert!(ran.err.starts_with("ERROR: no no no ") && ran.err.len() < 3_000, "{}", ran.err.len());
    let ran = Story::against(&fake).run("convox builds logs BNEW -a web");
    fails_alone(&ran);
    assert!(ran.err.contains(": no no no ") && ran.err.len() < 3_000, "{}", ran.err.len());
}

#[test]
fn a_wrong_password() {
    let mut story = Story::new("web");
    story.set("RACK_URL", format!("http://convox:wrong@127.0.0.1:{}", story.rack().port));
    for line in ["convox apps", "convox deploy", "convox releases", "convox logs"] {
        story.run(line).fails(str![[r#"
ERROR: invalid authentication
HINT: check the password in RACK_URL
"#]]);
    }
}

fn fails_alone(ran: &Output) {
    assert_eq!(ran.code, 1, "{ran}");
    ran.is_error();
    assert!(ran.out.is_empty(), "{ran}");
}

/// Checks how commands that read, and the first read of `deploy`, report a response.
fn answered(reply: Response, expected: &str) {
    let fake = MockServer::new(move |_| reply.clone());
    let story = Story::against(&fake);
    for line in ["convox apps", "convox releases", "convox builds", "convox rack", "convox deploy"]
    {
        let ran = story.run(line);
        fails_alone(&ran);
        assert!(ran.err.contains(expected), "{expected:?} is not in {ran}");
    }
    assert!(fake.requests().iter().all(|ask| ask.line.starts_with("GET ")));
}

const INVALID: &str = "\nHINT: check that this is the address of a rack: convox racks\n";

#[test]
fn a_page_instead_of_a_response() {
    answered(Response::html(200), INVALID);
    answered(Response::html(200), "It works!");
}

#[test]
fn an_empty_body() {
    answered(Response::of(200, "application/json", ""), INVALID);
}

#[test]
fn a_body_that_is_not_json_or_other_json() {
    answered(Response::of(200, "application/json", "ok"), INVALID);
    answered(Response::json("{]"), INVALID);
    answered(Response::json("\"text\""), INVALID);
}

#[test]
fn a_body_that_is_cut_off() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n[{";
    answered(Response::raw(cut), "the connection was cut (");
    let whole = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[{\"name\": \"we";
    answered(Response::raw(whole), INVALID);
}

#[test]
fn no_response_at_all() {
    answered(Response::raw(""), "the connection was cut (");
}

#[test]
fn a_rack_that_fails_is_quoted() {
    answered(Response::refusal(500, "the database is on fire\n"), "ERROR: the database is on fire");
    answered(Response::of(500, "application/json", r#"{"error":"on fire"}"#), "ERROR: on fire");
    answered(Response::refusal(500, ""), "ERROR: response status 500\nHINT: the request was GET /");
    answered(Response::refusal(418, "short and stout"), "ERROR: short and stout");
}

#[test]
fn a_proxy_without_a_rack_behind_it_is_named_by_its_status() {
    for status in [502, 503, 504] {
        answered(Response::html(status), &format!("response status {status}"));
    }
}

#[test]
fn a_message_of_several_lines_becomes_one_without_control_characters() {
    let fake =
        MockServer::new(|_| Response::refusal(500, "first\nsecond \u{1b}[31mred\r\n%s %d {}\n"));
    let ran = Story::against(&fake).run("convox apps");
    fails_alone(&ran);
    assert!(!ran.err.contains('\u{1b}') && !ran.err.contains('\r'), "{:?}", ran.err);
    ran.stderr_contains("first").stderr_contains("second").stderr_contains("%s %d {}");
}

#[test]
fn a_command_that_only_reads_ends_with_0_if_the_reader_of_its_output_is_gone() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps" => {
            let app = r#"{"name":"web","status":"running"}"#;
            Response::json(&format!("[{}]", vec![app; 20_000].join(",")))
        }
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    let ran = story.shell("{ convox apps; echo code $? >&2; } | head -1");
    ran.code(0).out(str![[r#"APP  STATUS"#]]).err(str![[r#"code 0"#]]);
}

#[test]
fn a_change_is_completed_if_the_reader_of_its_output_is_gone() {
    let story = Story::new("web");
    let ran = story.shell("{ convox deploy --create --wait; echo code $? >&2; } | true");
    ran.code(0).err(str![[r#"code 0"#]]);
    assert_eq!(story.get("web"), "Hello World!\n");
}

#[test]
fn a_full_disk_is_an_error() {
    if !std::path::Path::new("/dev/full").exists() {
        return eprintln!("skipped: there is no /dev/full");
    }
    let fake = MockServer::new(ordinary);
    let ran = Story::against(&fake).shell("convox apps > /dev/full");
    fails_alone(&ran);
    ran.stderr_contains("ERROR: can't write the output: ");
}
