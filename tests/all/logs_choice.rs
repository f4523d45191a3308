//! Which lines `logs` shows, and of which apps.

use snapbox::str;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{MockServer, Response, Story, ordinary, screen};

fn line(minute: u32, source: &str, text: &str) -> String {
    format!("2026-02-03T04:{minute:02}:00Z service/web/{source} {text}\n")
}

/// A rack where the log of `web` has five lines, one a minute from 04:01 on, and then stays open.
fn with_five_lines() -> MockServer {
    let lines: Vec<String> = (1..=5).map(|n| line(n, "web-1", &format!("line {n}"))).collect();
    MockServer::new(move |ask| match ask.line.as_str() {
        "GET /apps/web/logs" => {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            Response::log(&lines)
        }
        _ => ordinary(ask),
    })
}

#[test]
fn tail_works_for_a_whole_app_and_follows_from_there() {
    let story = Story::deployed("web");
    story.run("convox logs --tail 2 --no-follow").prints(str![[r#"
TIME system/web/web-aaaaaa web-aaaaaa: ready
TIME system/rack/web release RAAAAAAAAAA is running
"#]]);
    let following = story.start("convox logs -fn 1");
    following.shows("release RAAAAAAAAAA is running\n");
    crate::support::get(story.port_of("web"), "/news").unwrap();
    following.shows("\"GET /news HTTP/1.0\" 200 -\n");
    story.run("convox apps delete web").ok();
    let ran = following.end();
    assert!(!ran.code(0).out.contains("promoting release"), "{ran}");
    assert_eq!(ran.out.matches("release RAAAAAAAAAA is running").count(), 1, "{ran}");
}

#[test]
fn what_comes_between_the_tail_and_the_rest_is_neither_lost_nor_repeated() {
    let (asked, lines) = (AtomicUsize::new(0), |range: std::ops::Range<u32>| {
        range.map(|n| line(n, "web-1", &format!("line {n}"))).collect::<String>()
    });
    let fake = MockServer::new(move |ask| match ask.line.as_str() {
        "GET /apps/web/logs" => match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Response::log(&[&lines(1..6)]),
            _ => Response::log(&[&lines(5..9)]),
        },
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox logs --tail 2").prints(str![[r#"
TIME service/web/web-1 line 4
TIME service/web/web-1 line 5
TIME service/web/web-1 line 6
TIME service/web/web-1 line 7
TIME service/web/web-1 line 8
"#]]);
    let follow: Vec<Option<String>> = fake
        .requests()
        .iter()
        .filter(|ask| ask.line == "GET /apps/web/logs")
        .map(|ask| ask.header("follow").map(str::to_owned))
        .collect();
    assert_eq!(follow, [Some("false".to_owned()), None]);
}

#[test]
fn an_unknown_service_is_an_error_that_lists_the_services() {
    let story = Story::deployed("web");
    story.run("convox logs -s nope").fails(str![[r#"
ERROR: no such service: nope
HINT: the services of web: web
HINT: show them with: convox services -a web
"#]]);
}

#[test]
fn since_takes_days_and_times() {
    let fake = with_five_lines();
    let story = Story::against(&fake);
    for since in ["1d", "1w", "2h"] {
        story.run(&format!("convox logs --no-follow --since {since}")).code(0);
    }
    let sent: Vec<String> =
        fake.requests().iter().filter_map(|ask| ask.header("since").map(str::to_owned)).collect();
    assert_eq!(sent, ["24h0m0s", "168h0m0s", "2h0m0s"]);
    story.run("convox logs --since yesterday").code(2).stderr_contains("is no time");
    story.run("convox logs --since 2026-02-03T04:05:06Z --no-follow").code(0);
}

#[test]
fn grep_and_until_choose_lines() {
    let fake = with_five_lines();
    let story = Story::against(&fake);
    story.run("convox logs --grep 'line [24]'").prints(str![[r#"
TIME service/web/web-1 line 2
TIME service/web/web-1 line 4
"#]]);
    // A time in the past is the end: nothing is followed.
    story.run("convox logs --until 2026-02-03T04:02:30Z").prints(str![[r#"
TIME service/web/web-1 line 1
TIME service/web/web-1 line 2
"#]]);
    let asked = fake.requests();
    let last = asked.iter().rfind(|ask| ask.line == "GET /apps/web/logs").unwrap();
    assert_eq!(last.header("follow"), Some("false"));
    story.run("convox logs --grep '('").code(2).stderr_contains("--grep");
}

#[test]
fn a_followed_log_ends_at_a_time_in_the_future() {
    let story = Story::deployed("web");
    story.run("convox logs --until=-1s").ok().stdout_contains("is running\n");
}

#[test]
fn a_reader_that_is_gone_ends_a_quiet_log() {
    let story = Story::deployed("web");
    let started = std::time::Instant::now();
    let ran = story.shell("(convox logs; echo $? >&2) | head -2");
    assert_eq!(ran.out.lines().count(), 2, "{ran}");
    assert_eq!(ran.err, "0\n", "{ran}");
    assert!(started.elapsed() < std::time::Duration::from_secs(30), "{ran}");
}

/// A rack with the apps `one` and `two`.
fn two_apps() -> MockServer {
    MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/one" => Response::json(r#"{"name":"one","status":"running","release":"RA"}"#),
        "GET /apps/two" => Response::json(r#"{"name":"two","status":"running","release":"RB"}"#),
        "GET /apps/one/logs" => {
            Response::log(&[&line(1, "a", "first"), "  at main.js\n", &line(4, "a", "fourth")])
        }
        "GET /apps/two/logs" => Response::log(&[&line(2, "b", "second"), &line(3, "b", "third")]),
        _ => ordinary(ask),
    })
}

#[test]
fn the_logs_of_several_apps_are_merged_in_the_order_of_time() {
    let fake = two_apps();
    let story = Story::against(&fake);
    let merged = str![[r#"
one TIME service/web/a first
one   at main.js
two TIME service/web/b second
two TIME service/web/b third
one TIME service/web/a fourth
"#]];
    story.run("convox logs -a one -a two --no-follow").prints(merged);
    let events = story.run("convox logs -a one -a two --no-follow --json").ok().events();
    let apps: Vec<&str> = events.iter().filter_map(|event| event["app"].as_str()).collect();
    assert_eq!(apps, ["one", "one", "two", "two", "one"], "{events:?}");
    assert_eq!(events[0]["line"], "TIME service/web/a first");
}

#[test]
fn an_app_that_is_named_twice_is_one() {
    let fake = two_apps();
    Story::against(&fake).run("convox logs -a two -a two --no-follow").prints(str![[r#"
TIME service/web/b second
TIME service/web/b third
"#]]);
}

#[test]
fn on_a_terminal_sources_have_colors_and_short_times() {
    let fake = two_apps();
    let mut story = Story::against(&fake);
    story.set("TERM", "xterm-256color");
    let (code, seen) = story.on_terminal("convox logs -a one -a two --no-follow").end();
    assert_eq!(code, 0, "{seen}");
    let colored = |text: &str| seen.contains(&format!("m{text}\u{1b}[0m "));
    for source in ["one", "two", "service/web/a", "service/web/b"] {
        assert!(colored(source), "{source}: {seen:?}");
    }
    let shown = screen(&seen);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[..2], ["one 2026-02-03T04:01:00Z service/web/a first", "one   at main.js"]);
}
