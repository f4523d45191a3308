//! `rack`. The commands of the development rack are tested in `devrack.rs`.

use snapbox::str;

use crate::support::{MockServer, Response, Story, ordinary};

#[test]
fn the_development_rack_describes_itself() {
    let story = Story::new("web");
    story.run("convox rack").prints(str![[r#"
Name      dev
Provider  dev
Status    running
Version   3.24.6-dev
"#]]);
    assert_eq!(
        story.run("convox rack --json").json(),
        serde_json::json!({
            "name": "dev", "provider": "dev", "region": null, "router": null,
            "router_internal": null, "nlb": null, "nlb_internal": null, "status": "running",
            "version": "3.24.6-dev",
        })
    );
}

#[test]
fn a_real_rack_shows_where_it_is() {
    let fake = MockServer::new(ordinary);
    Story::against(&fake).run("convox rack").prints(str![[r#"
Name      test
Provider  aws
Region    us-east-1
Status    running
Version   3.24.6
"#]]);
}

#[test]
fn an_unknown_status_is_shown_and_control_characters_are_escaped() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /system" => Response::json(
            r#"{"name":"a\u001b[2Jb","provider":"x","status":"dreaming","version":"4"}"#,
        ),
        _ => ordinary(ask),
    });
    let ran = Story::against(&fake).run("convox rack");
    ran.ok().stdout_contains("Status    dreaming\n").stdout_contains("Name      a\\x1b[2Jb\n");
}
