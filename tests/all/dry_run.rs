//! `deploy --dry-run`.

use snapbox::str;

use crate::support::{MockServer, Response, Story, ordinary};

#[test]
fn it_shows_what_would_be_sent_and_changes_nothing() {
    let story = Story::deployed("web");
    story.write("assets/big.bin", &"x".repeat(300_000));
    story.write(".dockerignore", "notes.txt\n");
    story.write("notes.txt", "private");
    story.run("convox deploy --dry-run").prints(str![[r#"
App       web
Manifest  convox.yml
Files     5
Size      293.67 KB before compression
Largest    292.97 KB  assets/big.bin
               567 B  web.py
                73 B  convox.yml
                67 B  Dockerfile
                10 B  .dockerignore
Left out  notes.txt
"#]]);
    let releases = story.run("convox releases --json").json();
    assert_eq!(releases.as_array().unwrap().len(), 1);
}

#[test]
fn a_required_variable_that_the_app_lacks_is_a_failure() {
    let story = Story::deployed("web");
    let manifest = "services:\n  web:\n    command: python3 web.py\n    port: 3000\n    environment:\n      - SECRET\n";
    story.write("convox.yml", manifest);
    story.run("convox deploy --dry-run").fails(str![[r#"
ERROR: the deploy would fail: web lacks variables that convox.yml requires: SECRET
HINT: set them with: convox env set 'SECRET=…' -a web
"#]]);
    story.run("convox env set SECRET=x").code(0);
    story.run("convox deploy --dry-run").ok();
}

#[test]
fn an_app_that_does_not_exist_is_a_failure_unless_it_is_created() {
    let story = Story::new("web");
    story.run("convox deploy --dry-run").fails(str![[r#"
ERROR: the deploy would fail: no such app: web
HINT: create it with: convox apps create web
"#]]);
    story.run("convox deploy --dry-run --create").ok().stdout_contains("(does not exist yet)\n");
    story.run("convox apps").prints("APP  STATUS");
}

#[test]
fn an_app_that_is_updating_is_a_failure_where_the_deploy_would_be_refused() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web" => Response::json(r#"{"name":"web","status":"updating","release":"RA"}"#),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    story
        .run("convox deploy --dry-run")
        .fails(str!["ERROR: the deploy would fail: app web is updating"]);
    story.run("convox deploy --dry-run --style v3").ok();
    story.run("convox deploy --dry-run --force").ok();
    assert!(fake.requests().iter().all(|ask| !ask.line.starts_with("POST")));
}

#[test]
fn json_is_an_event_before_the_outcome() {
    let story = Story::deployed("web");
    let events = story.run("convox deploy --dry-run --json").ok().events();
    assert_eq!(events[0]["event"], "plan");
    assert_eq!(events[0]["manifest"], "convox.yml");
    assert_eq!(events.last().unwrap()["event"], "succeeded");
}
