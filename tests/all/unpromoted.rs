//! Variables that were set and never promoted, and come along with the next release.

use snapbox::str;

use crate::support::{MockServer, Output, Response, Story, ordinary};

/// A story with variables that are set but not active.
fn story() -> Story {
    let story = Story::deployed("web");
    story.run("convox env set COLOR=teal-is-secret SIZE=9 --promote").code(0);
    story.run("convox env set COLOR=red-is-secret DEPTH=3").code(0);
    story
}

/// The notices of a run.
fn notices(ran: &Output) -> Vec<&str> {
    assert!(!format!("{ran}").contains("is-secret"), "{ran}");
    ran.err.lines().filter(|line| line.contains("come along with")).collect()
}

#[test]
fn a_deploy_names_the_variables_that_come_along() {
    let story = story();
    let deploy = story.run("convox deploy --wait");
    deploy.code(0).err(str![[r#"
NOTICE: variables that were changed earlier and are not active come along with RDDDDDDDDDD: COLOR, DEPTH
HINT: compare them with: convox releases diff RBBBBBBBBBB RDDDDDDDDDD -a web
"#]]);
    assert_eq!(notices(&deploy).len(), 1);
    let again = story.run("convox deploy --wait");
    assert!(notices(&again).is_empty(), "nothing differs any more: {again}");
}

#[test]
fn a_build_names_the_variables_that_would_come_along() {
    let story = story();
    let build = story.run("convox build");
    build.code(0).err(str![[r#"
NOTICE: variables that were changed earlier and are not active come along with RDDDDDDDDDD: COLOR, DEPTH
HINT: compare them with: convox releases diff RBBBBBBBBBB RDDDDDDDDDD -a web
"#]]);
    assert_eq!(notices(&build).len(), 1);
}

#[test]
fn a_change_of_the_environment_names_other_variables_that_come_along() {
    let story = story();
    story.run("convox env set COLOR=blue").code(0).err(str![[r#"
NOTICE: RDDDDDDDDDD is not active yet
HINT: promote it with: convox releases promote RDDDDDDDDDD -a web
NOTICE: variables that were changed earlier and are not active come along with RDDDDDDDDDD: DEPTH
HINT: compare them with: convox releases diff RBBBBBBBBBB RDDDDDDDDDD -a web
"#]]);
    story.run("convox env unset DEPTH --promote").code(0).err(str![[r#"
NOTICE: variables that were changed earlier and are not active come along with REEEEEEEEEE: COLOR
HINT: compare them with: convox releases diff RBBBBBBBBBB REEEEEEEEEE -a web
"#]]);
    story.run("convox env set A=1 --promote").code(0).err("");
}

#[test]
fn what_the_user_has_chosen_does_not_come_along() {
    let story = story();
    let replaced = story.run("convox env set --replace COLOR=blue");
    assert!(notices(&replaced).is_empty(), "{replaced}");
    let based = story.run("convox env set A=1 --release RBBBBBBBBBB");
    assert!(notices(&based).is_empty(), "{based}");
}

#[test]
fn the_v3_style_and_json_have_no_such_notice() {
    let story = story();
    for line in ["convox deploy --style v3 --wait", "convox build --json"] {
        let ran = story.run(line);
        assert!(ran.code == 0 && notices(&ran).is_empty(), "{ran}");
        story.run("convox env set DEPTH=4").code(0);
    }
}

#[test]
fn a_rack_that_does_not_say_what_comes_along_is_not_asked_again() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/releases/RNEW" | "GET /apps/web/releases/RACTIVE" => {
            Response::refusal(500, "")
        }
        "POST /apps/web/builds" => Response::json(r#"{"id":"BNEW","status":"running"}"#),
        "GET /apps/web/builds/BNEW" => {
            Response::json(r#"{"id":"BNEW","status":"complete","release":"RNEW"}"#)
        }
        "GET /apps/web/builds/BNEW/logs" => Response::log(&["step 1\n"]),
        "POST /apps/web/releases/RNEW/promote" => Response::refusal(200, "ok\n"),
        line if line.starts_with("POST /apps/web/objects/") => {
            Response::json(r#"{"Url":"object://web/tmp/x.tgz"}"#)
        }
        _ => ordinary(ask),
    });
    let mut story = Story::against(&fake);
    story.unset("CONVOX_RETRY");
    story.run("convox deploy").code(0).err("");
    assert_eq!(fake.count("GET /apps/web/releases/RACTIVE"), 1);
    assert_eq!(fake.count("POST /apps/web/releases/RNEW/promote"), 1);
}
