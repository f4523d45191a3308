//! `status`.

use snapbox::str;

use crate::support::{MockServer, Response, Story, ordinary, screen, until};

#[test]
fn an_app_that_runs_is_shown_with_its_services_and_processes() {
    let story = Story::deployed("web");
    story.run("convox status").prints(str![[r#"
App     web
Status  running
Active  RAAAAAAAAAA, 5 minutes ago
Next    follow its log: convox logs -a web

SERVICE  RUNNING  ADDRESS
web      1 of 1   127.0.0.1:10001

PROCESS     SERVICE  STATUS   RELEASE      STARTED        RESTARTS  LAST EXIT
web-aaaaaa  web      running  RAAAAAAAAAA  5 minutes ago  0
"#]]);
    // The name may be given instead of --app, from anywhere.
    let by_name = story.run("convox status web");
    assert_eq!(by_name.out, story.run("convox status -a web").out);
}

#[test]
fn the_next_command_follows_from_the_state_of_the_app() {
    let story = Story::new("web");
    story.run("convox status").fails(str![[r#"
ERROR: no such app: web
HINT: create it with: convox apps create web
"#]]);
    story.run("convox apps create").ok();
    story.run("convox status").prints(str![[r#"
App     web
Status  running
Next    deploy it: convox deploy -a web
"#]]);
    story.run("convox build").ok();
    story.run("convox status").ok().stdout_contains(
        "Next    promote the newest release: convox releases promote RAAAAAAAAAA -a web\n",
    );
}

#[test]
fn the_last_failure_since_the_active_release_is_shown_with_its_reason() {
    let story = Story::deployed("web");
    story.advance_clock(1);
    let good = std::fs::read_to_string(story.path("web/convox.yml")).unwrap();
    story.write("convox.yml", &good.replace("python3 web.py", "sh -c 'exit 3'"));
    story.run("convox deploy --wait").code(1);
    story.run("convox status").prints(str![[r#"
App     web
Status  running
Active  RAAAAAAAAAA, 5 minutes ago
Failed  promote of RBBBBBBBBBB, 5 minutes ago, web: port check failed: ended with exit code 3 before it listened on 127.0.0.1:10002, the port in PORT
Next    find the reason with: convox logs --since 10m --no-follow -a web

SERVICE  RUNNING  ADDRESS
web      1 of 1   127.0.0.1:10001

PROCESS     SERVICE  STATUS   RELEASE      STARTED        RESTARTS  LAST EXIT
web-bbbbbb  web      running  RAAAAAAAAAA  5 minutes ago  0
"#]]);
    story.advance_clock(1);
    story.write("convox.yml", "services:\n  web:\n    image: nginx\n");
    story.run("convox build").code(1);
    story.run("convox status").prints(str![[r#"
App     web
Status  running
Active  RAAAAAAAAAA, 5 minutes ago
Failed  build BCCCCCCCCCC, 5 minutes ago, convox.yml line 3: services.web.image: the development rack runs local programs, not images: give the service a command instead
Next    read the log of the build: convox builds logs BCCCCCCCCCC -a web

SERVICE  RUNNING  ADDRESS
web      1 of 1   127.0.0.1:10001

PROCESS     SERVICE  STATUS   RELEASE      STARTED        RESTARTS  LAST EXIT
web-bbbbbb  web      running  RAAAAAAAAAA  5 minutes ago  0
"#]]);
    // A release that runs makes both old news.
    story.advance_clock(1);
    story.write("convox.yml", &good);
    story.run("convox deploy --wait").ok();
    let ran = story.run("convox status");
    assert!(!ran.ok().out.contains("Failed"), "{ran}");
}

#[test]
fn a_process_that_crashed_is_shown_with_its_restarts_and_its_last_exit() {
    let story = Story::new("web");
    let gate = story.path("gate");
    let wait = format!("until rm {} 2>/dev/null; do sleep 0.05; done; exit 3", gate.display());
    story.write("convox.yml", &format!("services:\n  web:\n    command: sh -c '{wait}'\n"));
    story.deploy();
    std::fs::write(&gate, "").unwrap();
    until("the restart", || {
        let status = story.run("convox status --json").json();
        let process = &status["processes"][0];
        (process["restarts"] == 1 && process["status"] == "running").then_some(())
    });
    let status = story.run("convox status").ok().out.clone();
    assert!(status.contains("1         ended with exit code 3\n"), "{status}");
}

#[test]
fn json_is_one_document() {
    let story = Story::deployed("web");
    let status = story.run("convox status --json").json();
    assert_eq!(status["app"], "web");
    assert_eq!(status["active"]["id"], "RAAAAAAAAAA");
    assert_eq!(status["services"][0]["running"], 1);
    assert_eq!(status["processes"][0]["status"], "running");
    assert_eq!(status["next"], "follow its log: convox logs -a web");
    assert!(status["failure"].is_null() && status["promoting"].is_null(), "{status}");
}

#[test]
fn an_app_that_is_updating_shows_what_is_promoted() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web" => Response::json(r#"{"name":"web","status":"updating","release":"RNEW"}"#),
        "GET /apps/web/releases?limit=100" => {
            Response::json(r#"[{"id":"RNEW","build":"BNEW"},{"id":"ROLD","build":"BOLD"}]"#)
        }
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox status").prints(str![[r#"
App        web
Status     updating
Promoting  RNEW
Next       wait for it with: convox apps wait web
"#]]);
}

#[test]
fn it_is_shown_again_and_again() {
    let fake = MockServer::new(ordinary);
    let mut story = Story::against(&fake);
    story.set("TERM", "xterm-256color");
    let mut terminal = story.on_terminal("convox status --watch 1");
    until("a second look", || {
        (terminal.seen().matches("convox logs -a web").count() >= 2).then_some(())
    });
    terminal.types("\u{3}");
    let (_, seen) = terminal.end();
    assert!(screen(&seen).contains("App     web"), "{seen:?}");
}
