//! `logs`.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Ask, Fake, Reply, Story, ordinary, request};

#[test]
fn what_is_there_is_shown_with_no_follow() {
    let story = Story::deployed("web");
    story.run("convox logs --no-follow").prints(
        "
        TIME system/rack/web promoting release RAAAAAAAAAA
        TIME system/web/web-aaaaaa web-aaaaaa: starting release RAAAAAAAAAA: python3 web.py
        TIME service/web/web-aaaaaa listening on PORT
        TIME system/web/web-aaaaaa web-aaaaaa: ready
        TIME system/rack/web release RAAAAAAAAAA is running",
    );
}

#[test]
fn a_log_is_followed_until_the_app_is_gone() {
    let story = Story::deployed("web");
    let following = story.start("convox logs");
    following.says("release RAAAAAAAAAA is running\n");
    request(story.port_of("web"), "GET /news", None, "").unwrap();
    following.says("\"GET /news HTTP/1.0\" 200 -\n");
    story.run("convox apps delete web").ok();
    following.end().code(0);
}

#[test]
fn ctrl_c_ends_a_followed_log() {
    let story = Story::deployed("web");
    let following = story.start("convox logs");
    following.says("release RAAAAAAAAAA is running\n").interrupt();
    let ran = following.end();
    assert!(ran.code == 130 || ran.code == -1, "{ran}");
    ran.err("");
}

#[test]
fn since_and_filter_and_service_choose_lines() {
    let story = Story::deployed("web");
    story.passes(60 * 60);
    story.run("convox logs --no-follow").prints("");
    let ran = story.run("convox logs --no-follow --since 2h");
    assert_eq!(ran.ok().out.lines().count(), 5, "{ran}");
    let ran = story.run("convox logs --no-follow --since 2h --filter listening");
    assert_eq!(ran.ok().out.lines().count(), 1, "{ran}");
    let ran = story.run("convox logs --no-follow --since 2h -s web");
    ran.ok().says("listening on ");
    story.run("convox logs --since soon").code(2).warns("soon");
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
    story.run("convox logs").fails("ERROR: app not found: web, list them with: convox apps");
}

#[test]
fn a_refusal_inside_the_socket_is_an_error_of_the_command() {
    let fake = Fake::new(|ask| match ask.line.as_str() {
        "GET /apps/web/logs" => Reply::log(&["ERROR: no logs today\n"]),
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox logs --no-follow").fails("ERROR: no logs today");
}

#[test]
fn piped_bytes_are_never_changed() {
    let line = "2020-01-01T00:00:00Z service/web/x \u{1b}[31mred\u{1b}[0m \u{7}bell\n";
    let fake = Fake::new(move |ask| match ask.line.as_str() {
        "GET /apps/web/logs" => Reply::log(&[line]),
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
        let fake = Fake::new(move |ask| {
            let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
            match ask.line.as_str() {
                line if line != socket => complete(ask),
                _ if asked.fetch_add(1, Ordering::Relaxed) == 0 => Reply::cut_log(&frames[..40]),
                _ => Reply::log(&frames),
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
fn complete(ask: &Ask) -> Reply {
    match ask.line.as_str() {
        "GET /apps/web/builds/BABC" => {
            Reply::json(r#"{"id":"BABC","app":"web","status":"complete","release":"RABC"}"#)
        }
        _ => ordinary(ask),
    }
}
