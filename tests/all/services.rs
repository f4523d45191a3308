//! `services`.

use snapbox::str;

use crate::support::{MockServer, Response, Story, ordinary};

#[test]
fn services_keep_their_address() {
    let story = Story::new("web");
    story.run("convox services").fails(str![[r#"
ERROR: app not found: web
HINT: list apps with: convox apps
"#]]);
    story.run("convox apps create").ok();
    story.run("convox services").prints(str![[r#"SERVICE  DOMAIN  PORTS"#]]);
    story.run("convox deploy --wait").ok();
    story.run("convox services").prints(str![[r#"
SERVICE  DOMAIN           PORTS
web      127.0.0.1:10001  10001:3000
"#]]);
    let before = story.port_of("web");
    story.run("convox deploy --wait").ok();
    assert_eq!(story.port_of("web"), before);
}

#[test]
fn json_has_every_field() {
    let story = Story::deployed("web");
    let services = story.run("convox services --json").json();
    let row = services[0].as_object().unwrap();
    let mut names: Vec<&str> = row.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "autoscale",
            "budget",
            "cold_start",
            "count",
            "domain",
            "max",
            "min",
            "name",
            "nlb_ports",
            "ports"
        ]
    );
    assert_eq!((&row["name"], &row["domain"]), (&"web".into(), &"127.0.0.1:10001".into()));
}

#[test]
fn control_characters_from_a_rack_are_escaped() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/services" => Response::json(
            r#"[{"name":"web","domain":"\u001b[31mred\u0007","ports":[],"count":1}]"#,
        ),
        _ => ordinary(ask),
    });
    let ran = Story::against(&fake).run("convox services");
    ran.ok().stdout_contains("\\x1b[31mred\\x07");
}
