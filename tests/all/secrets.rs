//! What must never be shown.

use crate::support::{PASSWORD, Story};

#[test]
fn debug_tells_each_request_and_socket_of_a_deploy_and_never_the_password() {
    let story = Story::new("web");
    let ran = story.run("convox deploy --create --wait --debug");
    assert!(!ran.err.contains(PASSWORD) && !ran.err.contains("Authorization"));
    for part in [
        "DEBUG: GET /apps/web/builds 404, ",
        "DEBUG: POST /apps 200, ",
        "DEBUG: POST /apps/web/builds 200, ",
        "DEBUG: socket ",
        "/promote 200, ",
        " bytes, ",
        " ms\n",
    ] {
        ran.code(0).warns(part);
    }
    assert!(ran.err.lines().all(|line| line.starts_with("DEBUG: ")), "{ran}");
}

#[test]
fn the_variable_asks_for_the_same_and_stdout_stays_as_it_is() {
    let mut story = Story::new("web");
    story.set("CONVOX_DEBUG", "1");
    let ran = story.run("convox apps");
    ran.code(0).out("APP  STATUS").warns("DEBUG: GET /apps 200, ");
}

#[test]
fn a_value_of_the_environment_is_not_told_by_debug() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    let ran = story.run("convox env set TOKEN=hush-hush --debug");
    assert!(ran.code == 0 && !ran.err.contains("hush-hush"), "{ran}");
}
