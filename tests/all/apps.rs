//! `apps` and what is below it.

use crate::support::Story;

#[test]
fn an_app_is_created_listed_shown_and_deleted() {
    let story = Story::new("web");
    story.run("convox apps").prints("APP  STATUS");
    story.run("convox apps create shop").prints("Creating shop... OK");
    story.run("convox apps create").prints("Creating web... OK");
    story.run("convox apps").prints(
        "
        APP   STATUS
        shop  running
        web   running",
    );
    story.run("convox apps --style v3").prints(
        "
        APP   STATUS   RELEASE
        shop  running
        web   running",
    );
    story.run("convox apps info").prints(
        "
        Name        web
        Status      running
        Generation  3
        Locked      false
        Release",
    );
    story.run("convox apps delete shop").prints("Deleting shop... OK");
    story.run("convox apps").prints("APP  STATUS\nweb  running");
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
    story.run("convox apps info").fails("ERROR: app not found: web, list them with: convox apps");
    story
        .run("convox apps delete shop")
        .fails("ERROR: app not found: shop, list them with: convox apps");
    story
        .run("convox apps wait shop")
        .fails("ERROR: no such app: shop, try: convox apps create shop");
}

#[test]
fn an_app_that_is_there_is_not_created_again() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    let ran = story.run("convox apps create");
    ran.fails("ERROR: app already exists: web");
    assert_eq!(ran.out, "Creating web... ");
}

#[test]
fn a_name_that_no_app_can_have_is_a_usage_error() {
    let story = Story::new("web");
    let ran = story.run("convox apps create 'My App'");
    assert_eq!(ran.code, 2, "{ran}");
    story.run("convox apps delete").code(2).warns("<APP>");
}
