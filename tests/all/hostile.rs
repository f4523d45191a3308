//! Malicious racks: no control character of a response reaches a terminal.

use serde_json::Value;

use crate::support::{MockServer, PASSWORD, Request, Response, Story, ordinary, until};

/// Sets the title of a window, rings the bell, and starts a sequence with a C1 control.
const CONTROL: &str = "\u{1b}]0;title\u{7}\u{9b}2J";

/// Adds control characters to every string but times, which would become invalid.
fn corrupt(value: &mut Value) {
    match value {
        Value::String(text) => text.push_str(CONTROL),
        Value::Array(values) => values.iter_mut().for_each(corrupt),
        Value::Object(fields) => {
            let is_time = |name: &str| matches!(name, "created" | "started" | "ended");
            fields.iter_mut().filter(|(name, _)| !is_time(name)).for_each(|(_, one)| corrupt(one));
        }
        _ => {}
    }
}

fn corrupt_json(text: &str) -> Response {
    Response::json(text).with_json(corrupt)
}

/// A build whose status stays valid, so that it ends.
fn complete(build: &mut Value) {
    for name in ["manifest", "description", "git-sha", "reason"] {
        build[name] = name.into();
    }
    corrupt(build);
    build["status"] = "complete".into();
}

/// The responses of every route. Ids in requests have control characters, which are removed here.
fn responses(ask: &Request) -> Response {
    let line = ask.line.replace("%1B%5D0%3Btitle%07%C2%9B2J", "");
    let line = line.split('?').next().unwrap_or_default();
    match line {
        "GET /racks" => corrupt_json(
            r#"[{"name":"prod","organization":{"name":"acme"},"provider":"aws","status":"running"}]"#,
        ),
        "GET /auth" => corrupt_json(r#"{"id":"user-1"}"#),
        "GET /apps/web/services" => corrupt_json(
            r#"[{"name":"web","domain":"web.example.com","ports":[{"balancer":80,"container":3000,
                "certificate":"cert-1"}],"nlb":[{"protocol":"tcp","scheme":"public"}]}]"#,
        ),
        "GET /apps/web/processes" => {
            corrupt_json(r#"[{"id":"web-1","name":"web","status":"running","release":"RACTIVE"}]"#)
        }
        "GET /apps/web/logs" | "GET /apps/web/builds/BACTIVE/logs" => {
            Response::log(&[&format!("2020-01-01T00:00:00Z service/web/x line {CONTROL}\n")])
        }
        "POST /apps/web/builds" => corrupt_json(r#"{"id":"BACTIVE","status":"running"}"#),
        line if line.starts_with("POST /apps/web/objects/") => {
            Response::json(r#"{"Url":"object://web/tmp/x.tgz"}"#)
        }
        line => {
            let change = if line == "GET /apps/web/builds/BACTIVE" { complete } else { corrupt };
            ordinary(&Request { line: line.to_owned(), ..Request::default() }).with_json(change)
        }
    }
}

/// Commands that read from a rack.
const READS: [&str; 15] = [
    "convox apps",
    "convox apps --style v3",
    "convox apps info web",
    "convox builds",
    "convox builds info BACTIVE",
    "convox builds logs BACTIVE",
    "convox env",
    "convox env get A",
    "convox logs --no-follow",
    "convox rack",
    "convox releases",
    "convox releases info RACTIVE",
    "convox releases manifest RACTIVE",
    "convox services",
    "convox version",
];

const BUILDS: [&str; 2] = ["convox build", "convox build --id"];

/// A terminal without colors, so that every control sequence is the rack's.
fn on_terminal(fake: &MockServer) -> Story {
    let mut story = Story::against(fake);
    story.set("TERM", "dumb");
    story
}

fn is_raw(c: char) -> bool {
    c.is_control() && !"\r\n\t".contains(c)
}

#[track_caller]
fn assert_escaped(line: &str, seen: &str) {
    assert!(!seen.contains(is_raw), "{line}: {seen:?}");
    assert!(seen.contains("\\x1b]0;title"), "{line}: {seen:?}");
}

#[test]
fn no_control_character_of_a_response_reaches_a_terminal() {
    let fake = MockServer::new(responses);
    let story = on_terminal(&fake);
    for line in READS.iter().chain(&BUILDS) {
        assert_escaped(line, &story.on_terminal(line).end().1);
    }
    for line in READS.iter().chain(&BUILDS[..1]) {
        let line = format!("{line} --json");
        let seen = story.on_terminal(&line).end().1;
        assert!(!seen.contains(is_raw) && seen.contains("\\u001b]0;title"), "{line}: {seen:?}");
        assert!(seen.contains("\\u009b2J"), "{line}: {seen:?}");
    }
    // Programs get the id unchanged.
    assert_eq!(story.run("convox build --id").out, format!("RACTIVE{CONTROL}\n"));
}

#[test]
fn no_control_character_of_a_refusal_reaches_a_terminal() {
    let fake = MockServer::new(|_| Response::refusal(403, CONTROL));
    let story = on_terminal(&fake);
    for line in READS {
        let line = format!("{line} --debug");
        assert_escaped(&line, &story.on_terminal(&line).end().1);
    }
    let mut terminal = story.on_terminal("convox apps --watch 1");
    until("a second look", || (terminal.seen().matches("ERROR: ").count() > 1).then_some(()));
    terminal.types("\u{3}");
    assert_escaped("--watch", &terminal.end().1);
}

#[test]
fn no_control_character_of_a_console_reaches_a_terminal() {
    let fake = MockServer::new(responses);
    let mut story = on_terminal(&fake);
    story.unset("RACK_URL").set("CONVOX_HOST", fake.host());
    story.set("CONVOX_PASSWORD", PASSWORD).set("X_DEV_ALLOW_HTTP", "true");
    for line in ["convox racks", "convox switch prod", "convox switch", "convox switch nothing"] {
        let seen = story.on_terminal(line).end().1;
        if line != "convox switch nothing" {
            assert_escaped(line, &seen);
        }
    }
    assert_eq!(story.run("convox switch").out, format!("acme{CONTROL}/prod{CONTROL}\n"));
}

/// 256 MB of pings, to a client that may have as much memory.
#[cfg(target_os = "linux")]
#[test]
fn pings_without_end_take_no_memory() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/logs" => {
            Response::log_after_pings(2_000, &["2020-01-01T00:00:00Z service/web/x line\n"])
        }
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    let client = story.command("convox logs --no-follow");
    let mut limited = story.bare("/bin/sh");
    limited.args(["-c", "ulimit -v 256000; exec \"$@\"", "sh"]);
    let output = limited.arg(client.get_program()).args(client.get_args()).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(shown, "2020-01-01T00:00:00Z service/web/x line\n", "{output:?}");
    assert!(output.status.success());
}
