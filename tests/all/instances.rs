//! `instances` and `registries`.

use snapbox::str;

use crate::support::{MockServer, Request, Response, Story, ordinary};

fn answer(ask: &Request) -> Response {
    match ask.line.as_str() {
        "GET /instances" => Response::json(
            r#"[{"id":"i-1","status":"running","started":"1970-01-01T00:00:00Z","processes":3,
                 "cpu":500,"cpu-allocatable":2000,"memory":1024,"memory-allocatable":4096,
                 "private-ip":"10.0.0.1"},
                {"id":"i-2","status":"draining","cpu":0.5,"memory":0.25}]"#,
        ),
        "DELETE /instances/i-1" | "PUT /system" => Response::refusal(200, "ok\n"),
        "DELETE /instances/i-9" => Response::refusal(404, "no such instance: i-9"),
        "POST /instances/keyroll" => {
            Response::json(r#"{"name":"rack-key","private-key":"-----BEGIN KEY-----\nabc\n"}"#)
        }
        "GET /registries" => {
            Response::json(r#"[{"server":"ghcr.io","username":"ada"},{"server":"quay.io"}]"#)
        }
        "POST /registries" => Response::json(r#"{"server":"ghcr.io","username":"ada"}"#),
        line if line.starts_with("DELETE /registries/") => Response::refusal(200, "ok\n"),
        _ => ordinary(ask),
    }
}

#[test]
fn instances_are_listed_and_terminated() {
    let fake = MockServer::new(answer);
    let story = Story::against(&fake);
    story.run("convox instances").prints(str![[r#"
ID   STATUS    STARTED           PS  CPU     MEM     PUBLIC  PRIVATE
i-1  running   a long while ago  3   25.00%  25.00%          10.0.0.1
i-2  draining                    0   50.00%  25.00%
"#]]);
    assert_eq!(story.run("convox instances --json").json()[0]["cpu"], 0.25);
    story.run("convox instances terminate i-1").prints(str!["Terminating instance... OK"]);
    story.run("convox instances terminate i-9").fails(str![[r#"
ERROR: no such instance: i-9
HINT: list instances with: convox instances
"#]]);
    story.run("convox instances terminate ''").code(2).out("");
    story.run("convox instances terminate i-1 i-2").code(2).out("");
    assert_eq!(fake.count("DELETE /instances/i-1"), 1);
}

#[test]
fn a_new_key_is_printed_even_if_the_rack_does_not_take_it() {
    let fake = MockServer::new(answer);
    let story = Story::against(&fake);
    story.run("convox instances keyroll").prints(str![[r#"
Rolling instance key... OK
Updating parameters... OK
Generated private key:
-----BEGIN KEY-----
abc
"#]]);
    assert_eq!(fake.one("PUT /system").text(), "parameters=key_pair_name%3Drack-key");
    let refusing = MockServer::new(|ask| match ask.line.as_str() {
        "PUT /system" => Response::refusal(403, "not now"),
        _ => answer(ask),
    });
    let ran = Story::against(&refusing).run("convox instances keyroll");
    ran.code(1).stdout_contains("-----BEGIN KEY-----\nabc\n").stderr_contains("ERROR: not now");
}

#[test]
fn an_instance_that_cannot_be_reached_is_an_error() {
    let story = Story::against(&MockServer::new(answer));
    story.write("rack.pem", "not checked here\n");
    story.run("convox instances ssh i-9 uptime --key missing.pem").is_error();
    story.run("convox instances ssh i-9 uptime --key rack.pem").is_error();
}

#[test]
fn the_password_of_a_registry_need_not_be_on_the_command_line() {
    let fake = MockServer::new(answer);
    let mut story = Story::against(&fake);
    story.set("GHCR_TOKEN", "hunter2");
    story.run("convox registries").prints(str![[r#"
SERVER   USERNAME
ghcr.io  ada
quay.io
"#]]);
    story
        .run("convox registries add ghcr.io ada --password-env GHCR_TOKEN")
        .prints(str!["Adding registry... OK"]);
    assert_eq!(fake.one("POST /registries").text(), "server=ghcr.io&username=ada&password=hunter2");
    story
        .run_with("convox registries add ghcr.io ada --password-stdin", "hunter3\r\n")
        .prints(str!["Adding registry... OK"]);
    let sent = fake.requests().into_iter().rev().find(|ask| ask.line == "POST /registries");
    assert_eq!(sent.unwrap().text(), "server=ghcr.io&username=ada&password=hunter3");
    let ran = story.run("convox registries add ghcr.io ada --password-env NOT_SET");
    ran.fails_with(2, str!["ERROR: the environment variable NOT_SET is not set"]);
    story.run("convox registries add ghcr.io ada").fails_with(
        2,
        str![[r#"
ERROR: no password was given
HINT: give it with --password-env or --password-stdin
"#]],
    );
    story.run("convox registries remove ghcr.io").prints(str!["Removing registry... OK"]);
    let removed = story.run("convox registries remove ghcr.io --json").json();
    assert_eq!(removed, serde_json::json!({"removed": "ghcr.io"}));
}
