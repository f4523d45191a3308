//! `config`, `configs`, `api get`, and the settings of an app: locks and parameters.

use serde_json::json;
use snapbox::str;

use crate::support::Story;

#[test]
fn configs_are_set_listed_and_printed() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story.run("convox config set nginx.conf --value 'k=v'").prints(str!["OK"]);
    story.run("convox configs").prints(str![[r#"
CONFIG-ID
nginx.conf
"#]]);
    story.run("convox config get nginx.conf").prints(str!["k=v"]);
    assert_eq!(story.run("convox configs --json").json(), json!([{"name": "nginx.conf"}]));
    let config = story.run("convox config get nginx.conf --json").json();
    assert_eq!(config, json!({"name": "nginx.conf", "value": "k=v"}));
    let set = story.run("convox config set nginx.conf --value 'k=w' --json").json();
    assert_eq!(set, json!({"app": "web", "name": "nginx.conf", "restarted": []}));
}

#[test]
fn a_config_needs_a_value_and_a_name_that_exists() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story
        .run("convox config set nginx.conf")
        .fails(str!["ERROR: --file or --value flag is required"]);
    story.run("convox config set nginx.conf --file missing").fails(str![
        "ERROR: failed to read the file missing: No such file or directory (os error 2)"
    ]);
    story.run("convox config get missing").fails(str!["ERROR: app config not found: missing"]);
}

#[test]
fn a_locked_app_is_deleted_only_after_it_is_unlocked() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story.run("convox apps lock").prints(str!["Locking web... OK"]);
    story.run("convox apps delete web").code(1).stderr_contains(
        "ERROR: app is locked: web\nHINT: unlock it with: convox apps unlock -a web",
    );
    let unlocked = story.run("convox apps unlock --json").json();
    assert_eq!(unlocked, json!({"app": "web", "locked": false}));
    story.run("convox apps lock shop").fails(str![[r#"
ERROR: app not found: shop
HINT: list apps with: convox apps
"#]]);
    story.run("convox apps delete web").ok();
}

#[test]
fn parameters_that_the_rack_does_not_have_are_named() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    assert_eq!(story.run("convox apps params --json").json(), json!({}));
    story.run("convox apps params set BuildMem").fails(str!["ERROR: Key=Value expected: BuildMem"]);
    story.run("convox apps params set BuildMem=1").is_error().stderr_contains("BuildMem");
}

#[test]
fn an_app_that_is_not_updating_has_nothing_to_cancel() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story.run("convox apps cancel").is_error().stderr_contains("app is not updating");
}

#[test]
fn responses_of_the_api_are_printed() {
    let story = Story::new("web");
    story.run("convox api get /apps").prints(str!["[]"]);
    assert_eq!(story.run("convox api get /apps --json").json(), json!([]));
    story.run("convox api get /apps/shop").fails(str![[r#"
ERROR: app not found: shop
HINT: list apps with: convox apps
"#]]);
}
