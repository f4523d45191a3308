//! `releases` and its subcommands.

use snapbox::str;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{MockServer, Response, Story, ordinary, until};

#[test]
fn releases_are_listed_newest_first() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story.run("convox releases").prints(str![[r#"ID  CREATED  BUILD  STATUS"#]]);
    story.run("convox deploy --wait").ok();
    story.run("convox env set COLOR=teal").code(0);
    story.run("convox releases").prints(str![[r#"
ID           CREATED        BUILD        STATUS
RBBBBBBBBBB  5 minutes ago  BAAAAAAAAAA
RAAAAAAAAAA  5 minutes ago  BAAAAAAAAAA  active
"#]]);
    let ran = story.run("convox releases --limit 1");
    assert_eq!(ran.out.lines().count(), 2, "{ran}");
    story.run("convox releases --style v3").prints(str![[r#"
ID           STATUS  BUILD        CREATED        DESCRIPTION
RBBBBBBBBBB          BAAAAAAAAAA  5 minutes ago
RAAAAAAAAAA  active  BAAAAAAAAAA  5 minutes ago
"#]]);
}

#[test]
fn json_has_every_field() {
    let story = Story::deployed("web");
    let list = story.run("convox releases --json").json();
    assert_eq!(
        list,
        serde_json::json!([{
            "id": "RAAAAAAAAAA", "active": true, "build": "BAAAAAAAAAA", "created": "TIME",
            "description": null, "rollback_to": null, "status": null, "reason": null,
        }])
    );
    let info = story.run("convox releases info RAAAAAAAAAA --json").json();
    assert_eq!(
        info,
        serde_json::json!({
            "id": "RAAAAAAAAAA", "build": "BAAAAAAAAAA", "created": "TIME", "description": null,
            "rollback_to": null, "status": null, "reason": null, "env": {},
        })
    );
    let manifest = story.run("convox releases manifest RAAAAAAAAAA --json").json();
    assert_eq!(manifest["release"], "RAAAAAAAAAA");
    assert!(manifest["manifest"].as_str().unwrap().starts_with("services:\n"), "{manifest}");
}

#[test]
fn a_release_is_shown_with_its_environment_and_manifest() {
    let story = Story::deployed("web");
    story.run("convox env set COLOR=teal SIZE=big").code(0);
    story.run("convox releases info RBBBBBBBBBB").prints(str![[r#"
Id           RBBBBBBBBBB
Build        BAAAAAAAAAA
Created      TIME
Description
Env          COLOR=teal
             SIZE=big
"#]]);
    let manifest = std::fs::read_to_string(story.path("web/convox.yml")).unwrap();
    story.run("convox releases manifest RAAAAAAAAAA").prints(manifest.trim_end());
}

#[test]
fn an_unknown_release_or_app_is_named() {
    let story = Story::new("web");
    story.run("convox releases").fails(str![[r#"
ERROR: app not found: web
HINT: list apps with: convox apps
"#]]);
    story.run("convox apps create").ok();
    for line in ["convox releases info RXX", "convox releases manifest RXX"] {
        story.run(line).fails(str![[r#"
ERROR: no such release: RXX
HINT: list releases with: convox releases -a web
"#]]);
    }
    let promote = story.run("convox releases promote RXX");
    promote.fails(str![[r#"
ERROR: no such release: RXX
HINT: list releases with: convox releases -a web
"#]]);
    assert_eq!(promote.out, "Promoting RXX... ");
    story.run("convox releases rollback RXX").fails(str![[r#"
ERROR: no such release: RXX
HINT: list releases with: convox releases -a web
"#]]);
    story.run("convox releases promote RXX -a shop").fails(str![[r#"
ERROR: no such app: shop
HINT: create it with: convox apps create shop
"#]]);
}

#[test]
fn promoting_an_old_release_brings_the_old_text_back() {
    let story = Story::deployed("web");
    story.edit("web.py", "Hello World!", "Greetings, Earthlings!");
    story.run("convox deploy --wait").ok();
    assert_eq!(story.get("web"), "Greetings, Earthlings!\n");
    story.run("convox releases promote RAAAAAAAAAA --wait").prints(str![[r#"
Promoting RAAAAAAAAAA... UPDATING
Waiting for RAAAAAAAAAA... OK
"#]]);
    assert_eq!(story.get("web"), "Hello World!\n");
}

#[test]
fn without_an_id_the_newest_release_is_promoted_and_named() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story.run("convox releases promote").fails(str![[r#"
ERROR: no releases to promote
HINT: create one with: convox deploy -a web
"#]]);
    story.run("convox build").ok();
    story
        .run("convox releases promote --wait")
        .code(0)
        .err(str![[r#"NOTICE: no release was named: promoting the newest, RAAAAAAAAAA"#]])
        .out(str![[r#"
Promoting RAAAAAAAAAA... UPDATING
Waiting for RAAAAAAAAAA... OK
"#]]);
}

#[test]
fn json_of_a_promote_names_app_and_release() {
    let story = Story::new("web");
    story.run("convox build --create").ok();
    let promoted = story.run("convox releases promote RAAAAAAAAAA --wait --json").json();
    assert_eq!(promoted, serde_json::json!({"app": "web", "release": "RAAAAAAAAAA"}));
}

#[test]
fn an_active_release_is_not_promoted_again_without_force() {
    let story = Story::deployed("web");
    story.run("convox releases promote RAAAAAAAAAA").fails(str![[r#"
ERROR: release RAAAAAAAAAA is active already
HINT: list releases with: convox releases -a web
HINT: or promote it again with --force
"#]]);
    story.run("convox releases promote RAAAAAAAAAA --force --wait").prints(str![[r#"
Promoting RAAAAAAAAAA... UPDATING
Waiting for RAAAAAAAAAA... OK
"#]]);
    story.run("convox releases promote RAAAAAAAAAA --style v3").ok().stdout_contains("\nOK\n");
}

#[test]
fn a_release_without_a_build_is_refused_with_the_racks_message() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story.run("convox env set COLOR=teal").code(0);
    story.run("convox releases promote RAAAAAAAAAA").fails(str![[r#"
ERROR: can not promote a release with an empty manifest
HINT: it has no build; deploy the app with: convox deploy -a web
"#]]);
    story
        .run("convox releases manifest RAAAAAAAAAA")
        .fails(str![[r#"ERROR: no build for release: RAAAAAAAAAA"#]]);
}

#[test]
fn a_promote_of_an_app_that_is_updating_is_refused() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web" => {
            Response::json(r#"{"name":"web","status":"updating","release":"RACTIVE"}"#)
        }
        "POST /apps/web/releases/ROLD/promote" => Response::raw("HTTP/1.1 200 OK\r\n\r\nok\n"),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    story.run("convox releases promote ROLD").fails(str![[r#"
ERROR: app web is updating
HINT: wait for it with: convox apps wait web
HINT: or go on anyway with --force
"#]]);
    assert_eq!(fake.count("POST /apps/web/releases/ROLD/promote"), 0);
    story
        .run("convox releases promote ROLD --force")
        .prints(str![[r#"Promoting ROLD... UPDATING"#]]);
    assert_eq!(fake.one("POST /apps/web/releases/ROLD/promote").text(), "force=true");
}

#[test]
fn a_rack_that_refuses_an_older_release_is_quoted_with_a_hint_to_roll_back() {
    for status in [400, 500] {
        let fake = MockServer::new(move |ask| match ask.line.as_str() {
            "POST /apps/web/releases/ROLD/promote" => {
                Response::refusal(status, "can not promote an older release, try rollback\n")
            }
            _ => ordinary(ask),
        });
        let ran = Story::against(&fake).run("convox releases promote ROLD");
        ran.fails(str![[r#"
ERROR: can not promote an older release, try rollback
HINT: roll back to it with: convox releases rollback ROLD -a web
"#]]);
        assert_eq!(fake.count("POST /apps/web/releases/ROLD/promote"), 1);
    }
}

#[test]
fn a_release_is_created_from_two() {
    let story = Story::deployed("web");
    story.run("convox env set COLOR=teal").code(0);
    story
        .run("convox releases create-from --build-from RAAAAAAAAAA --env-from RBBBBBBBBBB")
        .prints(str![[r#"
Using build from release: RAAAAAAAAAA
Using env from release: RBBBBBBBBBB
Created release: RCCCCCCCCCC
OK
"#]]);
    let ran = story.run(
        "convox releases create-from --use-active-release-build --env-from RBBBBBBBBBB --promote",
    );
    ran.ok().stdout_contains("Created release: RDDDDDDDDDD\nPromoting RDDDDDDDDDD... \n");
    story.run("convox env get COLOR --release RDDDDDDDDDD").prints(str![[r#"teal"#]]);
    let created = story
        .run("convox releases create-from --use-active-release-build --use-active-release-env --json")
        .json();
    assert_eq!(
        created,
        serde_json::json!({
            "app": "web", "release": "REEEEEEEEEE", "build_from": "RDDDDDDDDDD",
            "env_from": "RDDDDDDDDDD",
        })
    );
    story
        .run("convox releases create-from --build-from RAAAAAAAAAA")
        .fails(str![[r#"ERROR: must specify either --env-from or --use-active-release-env"#]]);
}

#[test]
fn an_unknown_app_status_is_shown_unchanged() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps" => Response::json(r#"[{"name":"web","status":"meditating","release":""}]"#),
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox apps").prints(str![[r#"
APP  STATUS
web  meditating
"#]]);
}

#[test]
fn a_promote_that_is_refused_as_updating_by_an_idle_app_is_an_error() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "POST /apps/web/releases/RNEW/promote" => {
            Response::refusal(403, "app is currently updating\n")
        }
        _ => ordinary(ask),
    });
    let mut story = Story::against(&fake);
    story.set("CONVOX_LOOK_TIME", "200ms");
    let ran = story.run("convox releases promote RNEW --style v3");
    ran.fails(str![[r#"
ERROR: app is currently updating
HINT: wait for it with: convox apps wait web
"#]]);
    assert_eq!(ran.out, "Promoting RNEW... \n");
    assert_eq!(fake.count("POST /apps/web/releases/RNEW/promote"), 1);
}

#[test]
fn a_forced_promote_is_not_sent_again_with_force() {
    let sent = AtomicUsize::new(0);
    let fake = MockServer::new(move |ask| match ask.line.as_str() {
        "POST /apps/web/releases/RNEW/promote" if sent.fetch_add(1, Ordering::Relaxed) == 0 => {
            Response::refusal(503, "busy\n")
        }
        "POST /apps/web/releases/RNEW/promote" => Response::refusal(200, "ok\n"),
        _ => ordinary(ask),
    });
    let mut story = Story::against(&fake);
    story.set("CONVOX_LOOK_TIME", "100ms").set("CONVOX_RETRY", "5");
    story.run("convox releases promote RNEW --force").code(0);
    let sent: Vec<String> = fake
        .requests()
        .iter()
        .filter(|ask| ask.line.ends_with("/promote"))
        .map(|ask| ask.text())
        .collect();
    assert_eq!(sent, ["force=true", "force=false"]);
}

#[test]
fn a_wait_that_fails_reports_that_the_rack_continues() {
    let promoted = AtomicUsize::new(0);
    let fake = MockServer::new(move |ask| match ask.line.as_str() {
        "POST /apps/web/releases/RNEW/promote" => {
            promoted.store(1, Ordering::Relaxed);
            Response::refusal(200, "ok\n")
        }
        "GET /apps/web" if promoted.load(Ordering::Relaxed) > 0 => {
            Response::refusal(404, "app not found: web\n")
        }
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox releases promote RNEW --wait").fails(str![[r#"
ERROR: app not found: web
HINT: list apps with: convox apps
HINT: the rack goes on promoting RNEW
HINT: show its status with: convox apps info web
"#]]);
}

#[test]
fn a_release_that_another_promote_has_replaced_was_not_rolled_back() {
    let polls = AtomicUsize::new(0);
    let promoted = AtomicUsize::new(0);
    let fake = MockServer::new(move |ask| match ask.line.as_str() {
        "POST /apps/web/releases/RNEW/promote" => {
            promoted.store(1, Ordering::Relaxed);
            Response::refusal(200, "ok\n")
        }
        "GET /apps/web" if promoted.load(Ordering::Relaxed) > 0 => {
            let (status, release) = match polls.fetch_add(1, Ordering::Relaxed) {
                0 => ("updating", "RNEW"),
                _ => ("running", "ROTHER"),
            };
            Response::json(&format!(
                r#"{{"name":"web","status":"{status}","release":"{release}"}}"#
            ))
        }
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox releases promote RNEW --wait").fails(str![[r#"
ERROR: RNEW was superseded by ROTHER, which web is running
HINT: list releases with: convox releases -a web
HINT: promote it again with: convox releases promote RNEW -a web
"#]]);
}

#[test]
fn ctrl_c_leaves_a_promote_that_the_rack_does_not_answer() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "POST /apps/web/releases/RNEW/promote" => Response::silence(),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    let running = story.start("convox releases promote RNEW");
    let promote = "POST /apps/web/releases/RNEW/promote";
    until("the promote", || (fake.count(promote) == 1).then_some(()));
    running.interrupt();
    running.end().fails_with(
        130,
        str![[r#"
ERROR: interrupted; the rack may go on promoting RNEW
HINT: show its status with: convox apps info web
"#]],
    );
}
