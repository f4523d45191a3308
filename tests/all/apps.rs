//! `apps` and its subcommands.

use snapbox::str;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{MockServer, Response, Story, ordinary};

#[test]
fn an_app_is_created_listed_shown_and_deleted() {
    let story = Story::new("web");
    story.run("convox apps").prints(str![[r#"APP  STATUS"#]]);
    story.run("convox apps create shop").prints(str![[r#"Creating shop... OK"#]]);
    story.run("convox apps create").prints(str![[r#"Creating web... OK"#]]);
    story.run("convox apps").prints(str![[r#"
APP   STATUS
shop  running
web   running
"#]]);
    story.run("convox apps --style v3").prints(str![[r#"
APP   STATUS   RELEASE
shop  running
web   running
"#]]);
    story.run("convox apps info").prints(str![[r#"
Name        web
Status      running
Generation  3
Locked      false
Release
"#]]);
    story.run("convox apps delete shop").prints(str![[r#"Deleting shop... OK"#]]);
    story.run("convox apps").prints(str![[r#"
APP  STATUS
web  running
"#]]);
}

#[test]
fn json_has_every_field() {
    let story = Story::new("web");
    let info = serde_json::json!({
        "name": "web", "status": "running", "generation": "3", "locked": false, "release": null,
        "router": null,
    });
    assert_eq!(story.run("convox apps create --json").json(), info);
    assert_eq!(story.run("convox apps info --json").json(), info);
    assert_eq!(story.run("convox apps wait --json").json(), info);
    assert_eq!(
        story.run("convox apps --json").json(),
        serde_json::json!([{"name": "web", "status": "running", "release": null}])
    );
    assert_eq!(
        story.run("convox apps delete web --json").json(),
        serde_json::json!({"deleted": "web"})
    );
}

#[test]
fn an_unknown_app_is_named() {
    let story = Story::new("web");
    story.run("convox apps info").fails(str![[r#"
ERROR: app not found: web
HINT: list apps with: convox apps
"#]]);
    story.run("convox apps delete shop").fails(str![[r#"
ERROR: app not found: shop
HINT: list apps with: convox apps
"#]]);
    story.run("convox apps wait shop").fails(str![[r#"
ERROR: no such app: shop
HINT: create it with: convox apps create shop
"#]]);
}

#[test]
fn an_existing_app_is_not_created_again() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    let ran = story.run("convox apps create");
    ran.fails(str![[r#"ERROR: app already exists: web"#]]);
    assert_eq!(ran.out, "Creating web... ");
}

#[test]
fn a_name_that_no_app_can_have_is_a_usage_error() {
    let story = Story::new("web");
    let ran = story.run("convox apps create 'My App'");
    assert_eq!(ran.code, 2, "{ran}");
    story.run("convox apps delete").code(2).stderr_contains("<APP>");
}

/// A rack whose app has these statuses, one after the other.
fn statuses(all: &'static [&'static str]) -> MockServer {
    let asked = AtomicUsize::new(0);
    MockServer::new(move |ask| match ask.line.as_str() {
        "GET /apps/web" => {
            let status = all[asked.fetch_add(1, Ordering::Relaxed).min(all.len() - 1)];
            Response::json(&format!(r#"{{"name":"web","status":"{status}","release":"ROLD"}}"#))
        }
        "POST /apps" => Response::json(r#"{"name":"web","status":"creating"}"#),
        _ => ordinary(ask),
    })
}

#[test]
fn an_update_that_is_rolled_back_ends_the_wait_for_it() {
    let fake = statuses(&["updating", "updating", "rollback"]);
    Story::against(&fake).run("convox apps wait").fails(str![[r#"
ERROR: rollback: the rack gave up on the update of web
HINT: find the reason with: convox logs --since 10m --no-follow -a web
"#]]);
    let fake = statuses(&["rollback", "rollback", "running"]);
    Story::against(&fake).run("convox apps wait").prints(str![[r#"Waiting for app... OK"#]]);
}

#[test]
fn an_app_that_cannot_be_created_ends_the_wait() {
    for (status, words) in
        [("rollback", "rollback: the rack gave up"), ("failed", "app web is failed")]
    {
        let fake = match status {
            "rollback" => statuses(&["creating", "rollback"]),
            _ => statuses(&["creating", "failed"]),
        };
        let ran = Story::against(&fake).run("convox apps create");
        ran.code(1).stderr_contains(&format!("ERROR: {words}"));
    }
}
