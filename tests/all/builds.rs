//! `builds`, `builds info`, `builds logs`.

use snapbox::str;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{MockServer, Response, Story, ordinary, until};

#[test]
fn builds_are_listed_and_shown_with_their_logs() {
    let story = Story::new("web");
    story.run("convox builds").fails(str![[r#"
ERROR: app not found: web
HINT: list apps with: convox apps
"#]]);
    let built = story.run("convox build --create -d first");
    built.ok();
    story.run("convox builds").prints(str![[r#"
ID           STATUS    RELEASE      STARTED        ELAPSED  DESCRIPTION
BAAAAAAAAAA  complete  RAAAAAAAAAA  5 minutes ago  0s       first
"#]]);
    story.run("convox builds info BAAAAAAAAAA").prints(str![[r#"
Id           BAAAAAAAAAA
Status       complete
Release      RAAAAAAAAAA
Description  first
Started      5 minutes ago
Elapsed      0s
"#]]);
    story.run("convox builds logs BAAAAAAAAAA").prints(str![[r#"
Building web (BAAAAAAAAAA)
Unpacked 4 entries, SIZE
Reading convox.yml
Built RAAAAAAAAAA from BAAAAAAAAAA
web: http://127.0.0.1:10001
"#]]);
}

#[test]
fn a_limit_is_kept() {
    let story = Story::new("web");
    for description in ["one", "two"] {
        story.run(&format!("convox build --create -d {description}")).ok();
    }
    let ran = story.run("convox builds --limit 1");
    assert_eq!(ran.out.lines().count(), 2, "{ran}");
    ran.ok().stdout_contains("  two\n");
}

#[test]
fn json_has_every_field() {
    let story = Story::new("web");
    story.run("convox build --create -d first").ok();
    let list = story.run("convox builds --json").json();
    let info = story.run("convox builds info BAAAAAAAAAA --json").json();
    assert_eq!(list, serde_json::json!([info]));
    assert_eq!(
        info,
        serde_json::json!({
            "id": "BAAAAAAAAAA", "status": "complete", "release": "RAAAAAAAAAA",
            "description": "first", "started": "TIME", "ended": "TIME", "reason": null,
            "git_sha": null,
        })
    );
    let log = story.run("convox builds logs BAAAAAAAAAA --json").ok().events();
    assert_eq!(
        log[0],
        serde_json::json!({"event": "build_log", "line": "Building web (BAAAAAAAAAA)"})
    );
    assert_eq!(log.last().unwrap()["event"], "succeeded");
}

#[test]
fn an_unknown_build_is_named() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    for line in ["convox builds info BXX", "convox builds logs BXX"] {
        story.run(line).fails(str![[r#"
ERROR: no such build: BXX
HINT: list builds with: convox builds -a web
"#]]);
    }
}

#[test]
fn an_unknown_status_is_shown_unchanged() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/builds" => Response::json(r#"[{"id":"BNEW","status":"pondering"}]"#),
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox builds").prints(str![[r#"
ID    STATUS     RELEASE  STARTED  ELAPSED  DESCRIPTION
BNEW  pondering
"#]]);
}

#[test]
fn a_log_that_does_not_exist_yet_is_requested_again() {
    let asked = AtomicUsize::new(0);
    let fake = MockServer::new(move |ask| match ask.line.as_str() {
        "GET /apps/web/builds/BNEW" => Response::json(r#"{"id":"BNEW","status":"complete"}"#),
        "GET /apps/web/builds/BNEW/logs" if asked.fetch_add(1, Ordering::Relaxed) < 2 => {
            Response::log(&["ERROR: unable to read logs for build: BNEW\n"])
        }
        "GET /apps/web/builds/BNEW/logs" => Response::log(&["step 1\n"]),
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox builds logs BNEW").prints(str![[r#"step 1"#]]);
}

/// A build that completes, and logs one more step, right after the rack has ended its log.
fn ends_after_its_log(again: fn() -> Response) -> (MockServer, Story) {
    let (polls, sockets) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let server = MockServer::new(move |ask| match ask.line.as_str() {
        "GET /apps/web/builds/BNEW" if polls.fetch_add(1, Ordering::Relaxed) == 0 => {
            Response::json(r#"{"id":"BNEW","status":"running"}"#)
        }
        "GET /apps/web/builds/BNEW" => Response::json(r#"{"id":"BNEW","status":"complete"}"#),
        "GET /apps/web/builds/BNEW/logs" if sockets.fetch_add(1, Ordering::Relaxed) == 0 => {
            // The first poll finds the build running; the next one follows the end of the log.
            until("the first poll", || (polls.load(Ordering::Relaxed) > 0).then_some(()));
            Response::log(&["step 1\n"])
        }
        "GET /apps/web/builds/BNEW/logs" => again(),
        _ => ordinary(ask),
    });
    let mut story = Story::against(&server);
    story.set("CONVOX_POLL_INTERVAL", "30s");
    story.set("CONVOX_LOG_GRACE", "300ms");
    (server, story)
}

#[test]
fn what_a_build_logs_after_the_end_of_its_log_is_shown() {
    let (server, story) = ends_after_its_log(|| Response::log(&["step 1\nstep 2\n"]));
    story.run("convox builds logs BNEW").prints(str![[r#"
step 1
step 2
"#]]);
    assert_eq!(server.count("GET /apps/web/builds/BNEW/logs"), 2);
}

#[test]
fn a_log_that_cannot_be_read_again_after_its_end_is_not_a_failure() {
    for again in [
        || Response::refusal(500, "sick"),
        || Response::log(&["ERROR: unable to read logs for build: BNEW\n"]),
        || Response::open_log(&[]),
        || Response::log(&["another log\n"]),
    ] {
        let (_server, story) = ends_after_its_log(again);
        story.run("convox builds logs BNEW").prints(str![[r#"step 1"#]]);
    }
}

#[test]
fn a_log_that_never_comes_is_a_failure_once_the_build_is_over() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/builds/BNEW" => Response::json(r#"{"id":"BNEW","status":"complete"}"#),
        "GET /apps/web/builds/BNEW/logs" => {
            Response::log(&["ERROR: unable to read logs for build: BNEW\n"])
        }
        _ => ordinary(ask),
    });
    let mut story = Story::against(&fake);
    story.set("CONVOX_LOG_GRACE", "300ms");
    story
        .run("convox builds logs BNEW")
        .fails(str![[r#"ERROR: unable to read logs for build: BNEW"#]]);
}
