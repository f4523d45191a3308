//! A rack that means harm: whatever it says, a terminal gets no control character of it.

use serde_json::Value;

use crate::support::{MockServer, PASSWORD, Request, Response, Story, ordinary, until};

/// Sets a window's title, rings, and begins a sequence with one C1 control.
const HARM: &str = "\u{1b}]0;harm\u{7}\u{9b}2J";

/// Every text, with harm in it; times stay, as there would be none otherwise.
fn harmed(value: &mut Value) {
    match value {
        Value::String(text) => text.push_str(HARM),
        Value::Array(values) => values.iter_mut().for_each(harmed),
        Value::Object(fields) => {
            let is_time = |name: &str| matches!(name, "created" | "started" | "ended");
            fields.iter_mut().filter(|(name, _)| !is_time(name)).for_each(|(_, one)| harmed(one));
        }
        _ => {}
    }
}

fn harmful_json(text: &str) -> Response {
    Response::json(text).with_json(harmed)
}

/// What a build has come to is known by its status.
fn complete(build: &mut Value) {
    for name in ["manifest", "description", "git-sha", "reason"] {
        build[name] = name.into();
    }
    harmed(build);
    build["status"] = "complete".into();
}

/// What every route answers. Ids come back with harm in them, which is cut off here.
fn harmful(ask: &Request) -> Response {
    let line = ask.line.replace("%1B%5D0%3Bharm%07%C2%9B2J", "");
    let line = line.split('?').next().unwrap_or_default();
    match line {
        "GET /racks" => harmful_json(
            r#"[{"name":"prod","organization":{"name":"acme"},"provider":"aws","status":"running"}]"#,
        ),
        "GET /auth" => harmful_json(r#"{"id":"user-1"}"#),
        "GET /apps/web/services" => harmful_json(
            r#"[{"name":"web","domain":"web.example.com","ports":[{"balancer":80,"container":3000,
                "certificate":"cert-1"}],"nlb":[{"protocol":"tcp","scheme":"public"}]}]"#,
        ),
        "GET /apps/web/processes" => {
            harmful_json(r#"[{"id":"web-1","name":"web","status":"running","release":"RACTIVE"}]"#)
        }
        "GET /apps/web/logs" | "GET /apps/web/builds/BACTIVE/logs" => {
            Response::log(&[&format!("2020-01-01T00:00:00Z service/web/x line {HARM}\n")])
        }
        "POST /apps/web/builds" => harmful_json(r#"{"id":"BACTIVE","status":"running"}"#),
        line if line.starts_with("POST /apps/web/objects/") => {
            Response::json(r#"{"Url":"object://web/tmp/x.tgz"}"#)
        }
        line => {
            let change = if line == "GET /apps/web/builds/BACTIVE" { complete } else { harmed };
            ordinary(&Request { line: line.to_owned(), ..Request::default() }).with_json(change)
        }
    }
}

/// Everything that the implemented commands read from a rack.
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

/// Somebody on a terminal without colours, so that every sequence is the rack's.
fn on_terminal(fake: &MockServer) -> Story {
    let mut story = Story::against(fake);
    story.set("TERM", "dumb");
    story
}

fn is_raw(c: char) -> bool {
    c.is_control() && !"\r\n\t".contains(c)
}

#[track_caller]
fn is_harmless(line: &str, seen: &str) {
    assert!(!seen.contains(is_raw), "{line}: {seen:?}");
    assert!(seen.contains("\\x1b]0;harm"), "{line}: {seen:?}");
}

#[test]
fn no_answer_of_a_rack_reaches_a_terminal_raw() {
    let fake = MockServer::new(harmful);
    let story = on_terminal(&fake);
    for line in READS.iter().chain(&BUILDS) {
        is_harmless(line, &story.on_terminal(line).end().1);
    }
    for line in READS.iter().chain(&BUILDS[..1]) {
        let line = format!("{line} --json");
        let seen = story.on_terminal(&line).end().1;
        assert!(!seen.contains(is_raw) && seen.contains("\\u001b]0;harm"), "{line}: {seen:?}");
        assert!(seen.contains("\\u009b2J"), "{line}: {seen:?}");
    }
    // A program gets the id as it is.
    assert_eq!(story.run("convox build --id").out, format!("RACTIVE{HARM}\n"));
}

#[test]
fn no_refusal_of_a_rack_reaches_a_terminal_raw() {
    let fake = MockServer::new(|_| Response::refusal(403, HARM));
    let story = on_terminal(&fake);
    for line in READS {
        let line = format!("{line} --debug");
        is_harmless(&line, &story.on_terminal(&line).end().1);
    }
    let mut terminal = story.on_terminal("convox apps --watch 1");
    until("a second look", || (terminal.seen().matches("ERROR: ").count() > 1).then_some(()));
    terminal.types("\u{3}");
    is_harmless("--watch", &terminal.end().1);
}

#[test]
fn no_name_of_a_console_reaches_a_terminal_raw() {
    let fake = MockServer::new(harmful);
    let mut story = on_terminal(&fake);
    story.unset("RACK_URL").set("CONVOX_HOST", fake.host());
    story.set("CONVOX_PASSWORD", PASSWORD).set("X_DEV_ALLOW_HTTP", "true");
    for line in ["convox racks", "convox switch prod", "convox switch", "convox switch nothing"] {
        let seen = story.on_terminal(line).end().1;
        if line != "convox switch nothing" {
            is_harmless(line, &seen);
        }
    }
    assert_eq!(story.run("convox switch").out, format!("acme{HARM}/prod{HARM}\n"));
}
