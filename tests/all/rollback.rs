//! `releases rollback`, and what `releases` says of releases that failed to run.

use snapbox::str;

use crate::support::{MockServer, Response, Story, ordinary, screen};

/// A manifest whose service ends at once.
const FAILING: &str =
    "services:\n  web:\n    command: sh -c 'echo no luck; exit 3'\n    port: 3000\n";

#[test]
fn a_rollback_is_a_new_release_with_the_old_build_and_environment() {
    let story = Story::deployed("web");
    story.run("convox env set COLOR=teal").code(0);
    story.edit("web.py", "Hello World!", "Greetings, Earthlings!");
    story.run("convox deploy --wait").code(0);
    let ran = story.run("convox releases rollback RAAAAAAAAAA");
    ran.ok().stdout_contains(
        "Rolling back to RAAAAAAAAAA... OK, RDDDDDDDDDD\nPromoting RDDDDDDDDDD... \n",
    );
    assert!(ran.out.ends_with("\nOK\n"), "{ran}");
    assert_eq!(story.get("web"), "Hello World!\n");
    story.run("convox env").prints("");
    let ran = story.run("convox releases rollback RCCCCCCCCCC --id");
    ran.code(0).out(str![[r#"REEEEEEEEEE"#]]);
    assert_eq!(story.get("web"), "Greetings, Earthlings!\n");
}

#[test]
fn a_rollback_says_what_it_came_from() {
    let story = Story::deployed("web");
    let document = story.run("convox releases rollback RAAAAAAAAAA --json").json();
    assert_eq!(
        document,
        serde_json::json!({
            "app": "web", "release": "RBBBBBBBBBB", "rollback_to": "RAAAAAAAAAA",
        })
    );
    story.run("convox releases --style v3").prints(str![[r#"
ID           STATUS  BUILD        CREATED        DESCRIPTION
RBBBBBBBBBB  active  BAAAAAAAAAA  5 minutes ago  rollback to RAAAAAAAAAA
RAAAAAAAAAA          BAAAAAAAAAA  5 minutes ago
"#]]);
    story.run("convox releases info RBBBBBBBBBB").prints(str![[r#"
Id           RBBBBBBBBBB
Build        BAAAAAAAAAA
Created      TIME
Description  rollback to RAAAAAAAAAA
Env
"#]]);
    let list = story.run("convox releases --json").json();
    assert_eq!(list[0]["rollback_to"], "RAAAAAAAAAA");
    assert!(list[1]["rollback_to"].is_null(), "{list}");
}

#[test]
fn without_an_id_the_release_that_ran_before_is_named_and_restored() {
    let story = Story::deployed("web");
    // Neither of these ever ran.
    story.run("convox env set COLOR=teal").code(0);
    story.run("convox build").code(0);
    story.edit("web.py", "Hello World!", "Greetings, Earthlings!");
    story.run("convox deploy --wait").code(0);
    story.run("convox releases rollback").code(0).err(str![[
        r#"NOTICE: no release was named: rolling back from RDDDDDDDDDD to RAAAAAAAAAA"#
    ]]);
    assert_eq!(story.get("web"), "Hello World!\n");
    // Again: back to where the first rollback came from.
    story.run("convox releases rollback").code(0).err(str![[
        r#"NOTICE: no release was named: rolling back from REEEEEEEEEE to RDDDDDDDDDD"#
    ]]);
    assert_eq!(story.get("web"), "Greetings, Earthlings!\n");
}

#[test]
fn without_a_release_that_ran_before_there_is_nothing_to_roll_back_to() {
    let story = Story::new("web");
    story.run("convox releases rollback").fails(str![[r#"
ERROR: no such app: web
HINT: create it with: convox apps create web
"#]]);
    story.deploy();
    story.run("convox releases rollback").fails(str![[r#"
ERROR: web has no release to roll back to
HINT: list releases with: convox releases -a web
"#]]);
}

#[test]
fn a_rack_that_does_not_say_what_ran_rolls_back_to_the_newest_older_release() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web" => {
            Response::json(r#"{"name":"web","status":"running","release":"RACTIVE"}"#)
        }
        "GET /apps/web/releases?limit=100" => Response::json(
            r#"[{"id":"RNEW","build":"BNEW"},{"id":"RACTIVE","build":"BABC"},
                {"id":"ROLD","build":"BOLD"},{"id":"RFIRST","build":"BFIRST"}]"#,
        ),
        "GET /apps/web/releases/ROLD" => Response::json(r#"{"id":"ROLD","build":"BOLD"}"#),
        "POST /apps/web/releases" => Response::refusal(409, "app is locked: web\n"),
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox releases rollback").code(1).err(str![[r#"
NOTICE: no release was named: rolling back from RACTIVE to ROLD
ERROR: app is locked: web
"#]]);
    let sent = fake.one("POST /apps/web/releases").text();
    assert!(sent.contains("build=BOLD") && sent.contains("description=rollback+to+ROLD"), "{sent}");
}

#[test]
fn a_release_that_failed_to_run_is_marked_with_the_reason() {
    let story = Story::deployed("web");
    story.write("convox.yml", FAILING);
    story.run("convox deploy --wait").code(1);
    story.run("convox releases").prints(str![[r#"
ID           CREATED        BUILD        STATUS  REASON
RBBBBBBBBBB  5 minutes ago  BBBBBBBBBBB  failed  web: port check failed: ended with exit code 3 before it listened on 127.0.0.1:10002, the port in PORT
RAAAAAAAAAA  5 minutes ago  BAAAAAAAAAA  active
"#]]);
    story.run("convox releases --style v3").prints(str![[r#"
ID           STATUS  BUILD        CREATED        DESCRIPTION  REASON
RBBBBBBBBBB  failed  BBBBBBBBBBB  5 minutes ago               web: port check failed: ended with exit code 3 before it listened on 127.0.0.1:10002, the port in PORT
RAAAAAAAAAA  active  BAAAAAAAAAA  5 minutes ago
"#]]);
    story.run("convox releases info RBBBBBBBBBB").prints(str![[r#"
Id           RBBBBBBBBBB
Build        BBBBBBBBBBB
Created      TIME
Description
Status       failed
Reason       web: port check failed: ended with exit code 3 before it listened on 127.0.0.1:10002, the port in PORT
Env
"#]]);
    let list = story.run("convox releases --json").json();
    assert_eq!((&list[0]["status"], &list[0]["active"]), (&"failed".into(), &false.into()));
    assert!(list[0]["reason"].as_str().unwrap().contains("ended with exit code 3"), "{list}");
    assert!(list[1]["status"].is_null() && list[1]["reason"].is_null(), "{list}");
}

#[test]
fn after_a_failed_deploy_the_next_one_is_not_refused() {
    let story = Story::deployed("web");
    let good = std::fs::read_to_string(story.path("web/convox.yml")).unwrap();
    story.write("convox.yml", FAILING);
    story.run("convox deploy --wait").code(1);
    story.write("convox.yml", &good);
    story.run("convox deploy --wait").code(0);
    assert_eq!(story.get("web"), "Hello World!\n");
}

#[test]
fn the_failure_of_a_promote_is_an_event_with_the_lines_of_the_log() {
    let story = Story::deployed("web");
    story.write("convox.yml", FAILING);
    let events = story.run("convox deploy --wait --json").code(1).events();
    let failed = events.last().unwrap();
    assert_eq!(failed["event"], "failed");
    let details = failed["details"].as_array().unwrap();
    assert!(details.iter().any(|line| line == "service/web/web-aaaaaa no luck"), "{failed}");
}

#[test]
fn on_a_terminal_the_command_that_undoes_it_comes_last() {
    let story = Story::deployed("web");
    let (code, seen) =
        story.on_terminal("convox releases promote RAAAAAAAAAA --force --wait").end();
    assert!(code == 0 && !seen.contains("undo"), "nothing has changed: {seen}");
    for line in ["convox deploy --wait", "convox deploy --style v3", "convox releases rollback"] {
        let active =
            story.run("convox apps info --json").json()["release"].as_str().unwrap().to_owned();
        let (code, seen) = story.on_terminal(line).end();
        let shown = screen(&story.shown(&seen));
        let last = shown.lines().last().unwrap();
        assert_eq!(code, 0, "{shown}");
        assert_eq!(last, format!("HINT: undo it with: convox releases rollback {active} -a web"));
    }
    story.run("convox deploy --wait").code(0).err("");
}
