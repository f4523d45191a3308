//! `version`.

use snapbox::str;

use crate::support::{MockServer, Response, Story};

const OWN: &str = env!("CARGO_PKG_VERSION");

#[test]
fn the_versions_of_client_and_rack_are_shown() {
    let story = Story::new("web");
    story.run("convox version").prints(format!("client: {OWN}\nserver: 3.24.6-dev"));
    story.run("convox --version").prints(OWN);
    story.run("convox -v").prints(OWN);
}

#[test]
fn without_a_rack_the_server_is_none() {
    let story = Story::alone("web");
    story.run("convox version").prints(format!("client: {OWN}\nserver: none"));
    assert_eq!(
        story.run("convox version --json").json(),
        serde_json::json!({"client": OWN, "server": null})
    );
}

#[test]
fn a_rack_that_fails_is_an_error_after_the_clients_version() {
    let fake = MockServer::new(|_| Response::refusal(500, "out of order"));
    let ran = Story::against(&fake).run("convox version");
    ran.fails(str![[r#"
ERROR: out of order
HINT: the rack failed at GET /system
HINT: check the rack's status with: convox rack
"#]])
        .out(format!("client: {OWN}"));
}
