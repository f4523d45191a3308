//! `builds`, `builds info`, `builds logs`.

use crate::support::{Fake, Reply, Story, ordinary};

#[test]
fn builds_are_listed_shown_and_their_logs_told_again() {
    let story = Story::new("web");
    story.run("convox builds").fails("ERROR: app not found: web, list them with: convox apps");
    let built = story.run("convox build --create -d first");
    built.ok();
    story.run("convox builds").prints(
        "
        ID           STATUS    RELEASE      STARTED        ELAPSED  DESCRIPTION
        BAAAAAAAAAA  complete  RAAAAAAAAAA  5 minutes ago  0s       first",
    );
    story.run("convox builds info BAAAAAAAAAA").prints(
        "
        Id           BAAAAAAAAAA
        Status       complete
        Release      RAAAAAAAAAA
        Description  first
        Started      5 minutes ago
        Elapsed      0s",
    );
    story.run("convox builds logs BAAAAAAAAAA").prints(
        "
        Building web (BAAAAAAAAAA)
        Unpacked 4 entries, SIZE
        Reading convox.yml
        Built RAAAAAAAAAA from BAAAAAAAAAA
        web: http://127.0.0.1:10001",
    );
}

#[test]
fn a_limit_is_kept() {
    let story = Story::new("web");
    for description in ["one", "two"] {
        story.run(&format!("convox build --create -d {description}")).ok();
    }
    let ran = story.run("convox builds --limit 1");
    assert_eq!(ran.out.lines().count(), 2, "{ran}");
    ran.ok().says("  two\n");
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
    let expected = "ERROR: no such build: BXX, list them with: convox builds";
    story.run("convox builds info BXX").fails(expected);
    story.run("convox builds logs BXX").fails(expected);
}

#[test]
fn a_status_that_nobody_knows_is_shown_as_it_is() {
    let fake = Fake::new(|ask| match ask.line.as_str() {
        "GET /apps/web/builds" => Reply::json(r#"[{"id":"BNEW","status":"pondering"}]"#),
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox builds").prints(
        "
        ID    STATUS     RELEASE  STARTED  ELAPSED  DESCRIPTION
        BNEW  pondering",
    );
}
