//! `logs`.

use snapbox::str;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{MockServer, Request, Response, Story, get, ordinary};

#[test]
fn no_follow_shows_the_log_so_far() {
    let story = Story::deployed("web");
    story.run("convox logs --no-follow").prints(str![[r#"
TIME system/rack/web promoting release RAAAAAAAAAA
TIME system/web/web-aaaaaa web-aaaaaa: starting release RAAAAAAAAAA: python3 web.py
TIME service/web/web-aaaaaa listening on PORT
TIME system/web/web-aaaaaa web-aaaaaa: ready
TIME system/rack/web release RAAAAAAAAAA is running
"#]]);
}

#[test]
fn a_log_is_followed_until_the_app_is_deleted() {
    let story = Story::deployed("web");
    let following = story.start("convox logs");
    following.shows("release RAAAAAAAAAA is running\n");
    get(story.port_of("web"), "/news").unwrap();
    following.shows("\"GET /news HTTP/1.0\" 200 -\n");
    story.run("convox apps delete web").ok();
    following.end().code(0);
}

#[test]
fn ctrl_c_ends_a_followed_log() {
    let story = Story::deployed("web");
    let following = story.start("convox logs");
    following.shows("release RAAAAAAAAAA is running\n").interrupt();
    following.end().code(130).err("");
}

#[test]
fn since_and_filter_and_service_choose_lines() {
    let story = Story::deployed("web");
    // A start five minutes in the future.
    for line in ["convox logs --no-follow --since=-5m", "convox logs --no-follow --since -5m"] {
        story.run(line).prints("");
    }
    story.advance_clock(60 * 60);
    story.run("convox logs --no-follow").prints("");
    let ran = story.run("convox logs --no-follow --since 2h");
    assert_eq!(ran.ok().out.lines().count(), 5, "{ran}");
    let ran = story.run("convox logs --no-follow --since 2h --filter listening");
    assert_eq!(ran.ok().out.lines().count(), 1, "{ran}");
    let ran = story.run("convox logs --no-follow --since 2h -s web");
    ran.ok().stdout_contains("listening on ");
    story.run("convox logs --since soon").code(2).stderr_contains("soon");
}

#[test]
fn json_is_one_event_a_line() {
    let story = Story::deployed("web");
    let events = story.run("convox logs --no-follow --json").ok().events();
    assert_eq!(
        events[0],
        serde_json::json!({
            "event": "log", "line": "TIME system/rack/web promoting release RAAAAAAAAAA"
        })
    );
    assert_eq!(events.last().unwrap()["event"], "succeeded");
}

#[test]
fn an_unknown_app_is_named() {
    let story = Story::new("web");
    story.run("convox logs").fails(str![[r#"
ERROR: app not found: web
HINT: list apps with: convox apps
"#]]);
}

#[test]
fn a_refusal_inside_the_socket_is_an_error_of_the_command() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/logs" => Response::log(&["ERROR: no logs today\n"]),
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox logs --no-follow").fails(str![[r#"ERROR: no logs today"#]]);
}

#[test]
fn piped_bytes_are_never_changed() {
    let line = "2020-01-01T00:00:00Z service/web/x \u{1b}[31mred\u{1b}[0m \u{7}bell\n";
    let fake = MockServer::new(move |ask| match ask.line.as_str() {
        "GET /apps/web/logs" => Response::log(&[line]),
        _ => ordinary(ask),
    });
    let ran = Story::against(&fake).run("convox logs --no-follow");
    ran.prints("TIME service/web/x \u{1b}[31mred\u{1b}[0m \u{7}bell");
}

#[test]
fn a_very_long_line_is_passed_on_once_over_a_cut() {
    let part = "0123456789".repeat(5_000);
    let mut frames = vec!["2020-01-01T00:00:00Z service/web/x "];
    frames.extend([part.as_str(); 60]);
    frames.push("\n2020-01-01T00:00:01Z service/web/x next\n");
    let log = frames.concat();
    for (command, socket) in [
        ("convox logs --no-follow", "GET /apps/web/logs"),
        ("convox builds logs BABC", "GET /apps/web/builds/BABC/logs"),
    ] {
        let frames: Vec<String> = frames.iter().map(ToString::to_string).collect();
        let asked = AtomicUsize::new(0);
        let fake = MockServer::new(move |ask| {
            let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
            match ask.line.as_str() {
                line if line != socket => complete(ask),
                _ if asked.fetch_add(1, Ordering::Relaxed) == 0 => Response::cut_log(&frames[..40]),
                _ => Response::log(&frames),
            }
        });
        let out = Story::against(&fake).run(command).code(0).out.clone();
        let wanted =
            log.replace("2020-01-01T00:00:00Z", "TIME").replace("2020-01-01T00:00:01Z", "TIME");
        assert!(out == wanted, "{command}: {} bytes instead of {}", out.len(), wanted.len());
        assert_eq!(fake.count(socket), 2, "{command}");
    }
}

/// A rack whose build is over.
fn complete(ask: &Request) -> Response {
    match ask.line.as_str() {
        "GET /apps/web/services" => Response::json(r#"[{"name":"web"}]"#),
        "GET /apps/web/builds/BABC" => {
            Response::json(r#"{"id":"BABC","app":"web","status":"complete","release":"RABC"}"#)
        }
        _ => ordinary(ask),
    }
}

/// A rack with these responses for a socket, one after the other; the last one is repeated.
fn in_turn(socket: &'static str, replies: Vec<Response>) -> MockServer {
    let asked = AtomicUsize::new(0);
    MockServer::new(move |ask| {
        if ask.line != socket {
            return complete(ask);
        }
        let nth = asked.fetch_add(1, Ordering::Relaxed).min(replies.len() - 1);
        replies[nth].clone()
    })
}

#[test]
fn a_service_log_resumes_after_its_last_line() {
    let line = |second: u32| {
        format!("[pod/web-1/web] 2026-02-03T04:05:{second:02}.123456789Z line {second}\n")
    };
    let lines = |seconds: std::ops::Range<u32>| seconds.map(line).collect::<String>();
    let socket = "GET /apps/web/services/web/logs";
    let replies = vec![Response::cut_log(&[&lines(1..20)]), Response::log(&[&lines(15..30)])];
    let fake = in_turn(socket, replies);
    let ran = Story::against(&fake).run("convox logs -s web");
    let shown: Vec<&str> = ran
        .code(0)
        .out
        .lines()
        .filter_map(|line| line.split_once("line "))
        .map(|(_, number)| number)
        .collect();
    assert_eq!(shown, (1..30).map(|number| number.to_string()).collect::<Vec<_>>());
    let asked = fake.requests();
    let asked: Vec<&Request> = asked.iter().filter(|ask| ask.line == socket).collect();
    assert_eq!((asked[0].header("tail"), asked[0].header("since")), (None, None));
    assert_eq!(asked[1].header("tail"), Some("1000000"));
    assert!(asked[1].header("since").is_some_and(|since| since != "0s"), "{asked:?}");
}

#[test]
fn continuation_lines_are_shown_once_over_a_cut() {
    let (first, second) = (
        "2020-01-01T00:00:01Z service/web/1 first\n  at main.js:1\n",
        "2020-01-01T00:00:05Z service/web/1 second\n",
    );
    let third = "2020-01-01T00:00:06Z service/web/1 third\n";
    let replies = vec![Response::cut_log(&[first, second]), Response::log(&[first, second, third])];
    let ran = Story::against(&in_turn("GET /apps/web/logs", replies)).run("convox logs");
    ran.code(0).out(str![[r#"
TIME service/web/1 first
  at main.js:1
TIME service/web/1 second
TIME service/web/1 third
"#]]);
}

#[test]
fn a_stored_build_log_resumes_where_the_live_one_was_cut() {
    let socket = "GET /apps/web/builds/BABC/logs";
    let waiting = "waiting for build pod...\n";
    let replies = vec![
        Response::cut_log(&[waiting, "step\n"]),
        Response::cut_log(&[waiting, waiting]),
        Response::log(&["step\nA\nstep\nB\n"]),
    ];
    let ran = Story::against(&in_turn(socket, replies)).run("convox builds logs BABC");
    ran.prints(str![[r#"
waiting for build pod...
step
A
step
B
"#]]);
}
