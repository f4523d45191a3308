//! `env` and its subcommands.

use snapbox::str;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{MockServer, Response, Story, ordinary};

#[test]
fn variables_are_set_read_and_unset_with_a_release_for_each_change() {
    let story = Story::deployed("web");
    story.run("convox env").prints("");
    story.run("convox env set COLOR=teal 'GREETING=hello world'").code(0).out(str![[r#"
Setting COLOR, GREETING... OK
Release: RBBBBBBBBBB
"#]]);
    story.run("convox env").prints(str![[r#"
COLOR=teal
GREETING=hello world
"#]]);
    story.run("convox env get GREETING").prints(str![[r#"hello world"#]]);
    story.run("convox env unset COLOR").code(0).out(str![[r#"
Unsetting COLOR... OK
Release: RCCCCCCCCCC
"#]]);
    story.run("convox env").prints(str![[r#"GREETING=hello world"#]]);
    story.run("convox env --release RBBBBBBBBBB").prints(str![[r#"
COLOR=teal
GREETING=hello world
"#]]);
    story.run("convox env set --replace A=1").code(0);
    story.run("convox env").prints(str![[r#"A=1"#]]);
}

#[test]
fn a_variable_that_is_given_twice_is_named_once_and_the_last_value_wins() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story.run("convox env set B=1 A=1 A=2").code(0).out(str![[r#"
Setting A, B... OK
Release: RAAAAAAAAAA
"#]]);
    story.run("convox env").prints(str![[r#"
A=2
B=1
"#]]);
    story.run("convox env unset A A").code(0).out(str![[r#"
Unsetting A... OK
Release: RBBBBBBBBBB
"#]]);
}

#[test]
fn a_change_can_be_promoted_at_once() {
    let story = Story::new("web");
    story.edit("web.py", "b\"Hello World!\\n\"", "os.environ['GREETING'].encode()");
    story.edit(
        "convox.yml",
        "    port: 3000",
        "    port: 3000\n    environment:\n      - GREETING=hi",
    );
    story.deploy();
    assert_eq!(story.get("web"), "hi");
    let ran = story.run("convox env set GREETING=welcome --promote");
    ran.ok().stdout_contains(
        "Setting GREETING... OK\nRelease: RBBBBBBBBBB\nPromoting RBBBBBBBBBB... \n",
    );
    assert!(ran.out.ends_with("\nOK\n"), "{ran}");
    assert_eq!(story.get("web"), "welcome");
}

#[test]
fn a_variable_that_the_manifest_requires_is_named_at_promote() {
    let story = Story::new("web");
    story.edit("convox.yml", "    port: 3000", "    port: 3000\n    environment:\n      - SECRET");
    let ran = story.run("convox deploy --create");
    ran.code(1)
        .stderr_contains("ERROR: required env: SECRET\n")
        .stderr_contains("set what is missing with: convox env set 'SECRET=…' --promote -a web");
    assert!(!ran.err.contains("releases promote"), "that would fail again: {ran}");
    story.run("convox env set SECRET=x --promote").ok();
}

#[test]
fn a_release_that_is_not_promoted_is_not_active_and_that_is_said() {
    let story = Story::deployed("web");
    story.run("convox env set A=1").err(str![[r#"
NOTICE: RBBBBBBBBBB is not active yet
HINT: promote it with: convox releases promote RBBBBBBBBBB -a web
"#]]);
    story.run("convox env unset A").stderr_contains("NOTICE: RCCCCCCCCCC is not active yet\n");
    story.run("convox env set A=1 --promote").ok();
}

#[test]
fn what_cannot_be_promoted_is_not_set() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    for line in ["env set A=1 --promote", "env set --replace A=1 --promote"] {
        story.run(&format!("convox {line}")).fails(str![[r#"
ERROR: nothing was changed: web has no build that could be promoted
HINT: leave out --promote, then deploy with: convox deploy -a web
"#]]);
    }
    story.run("convox releases --json").out("[]");
}

#[test]
fn what_is_set_already_makes_no_release_and_is_promoted_if_that_is_requested() {
    let story = Story::deployed("web");
    story.run("convox env set A=1 B=2").code(0);
    for line in ["env set A=1", "env set --replace A=1 B=2"] {
        let ran = story.run(&format!("convox {line}"));
        ran.code(0).out("").stderr_contains("NOTICE: set already in RBBBBBBBBBB: A");
    }
    let ran = story.run("convox env set A=1 --json");
    ran.code(0).out(str![[r#"{"app":"web","release":null}"#]]);
    let ran = story.run("convox env set --replace A=1 B=2 --promote");
    ran.code(0).stdout_contains("Promoting RBBBBBBBBBB... ");
    story.run("convox apps info").stdout_contains("RBBBBBBBBBB");
    let ran = story.run("convox env set A=1 --promote");
    ran.code(0).out("").err(str![[r#"NOTICE: set already in RBBBBBBBBBB: A"#]]);

    story.run("convox env unset B").code(0);
    let ran = story.run("convox env unset B --promote");
    ran.code(0).stdout_contains("Promoting RCCCCCCCCCC... ");
    story.run("convox env set --replace A=1 B=2").code(0).stdout_contains("Release: RDDDDDDDDDD");
    story.run("convox env set --replace A=1").code(0).stdout_contains("Release: REEEEEEEEEE");
    let ran = story.run("convox env set A=1 --release REEEEEEEEEE");
    ran.code(0).stdout_contains("Release: RFFFFFFFFFF");
}

#[test]
fn what_belongs_to_a_shell_is_pointed_out() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story
        .run_with("convox env set", "A='x y'\nB=\"1\"\nC=2\n")
        .stderr_contains("WARNING: the quotes around the value are kept as part of it: A, B\n");
    let ran = story.run("convox env set 'A=\"1\"'");
    assert!(!ran.err.contains("WARNING"), "{ran}");
    story
        .run_with("convox env set", "export A=1\n")
        .fails_with(2, str!["ERROR: line 1: leave out export: KEY=VALUE expected"]);
}

#[test]
fn standard_input_is_read_only_if_it_is_meant() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    story.run_with("convox env set", "A=1\nB=2\n").code(0);
    story.run("convox env").prints(str![[r#"
A=1
B=2
"#]]);
    story.run_with("convox env set C=3 -", "D=4\n").code(0);
    story.write("more.env", "E=5\n");
    story.run_from("convox env set", "more.env").code(0);
    story.run("convox env").prints(str![[r#"
A=1
B=2
C=3
D=4
E=5
"#]]);
    story.run("convox env set").fails_with(
        2,
        str![[r#"ERROR: nothing to set: give KEY=VALUE, or lines of it on the standard input"#]],
    );
}

#[test]
fn json_has_every_field() {
    let story = Story::new("web");
    story.run("convox apps create").ok();
    let set = story.run("convox env set A=1 --json").json();
    assert_eq!(set, serde_json::json!({"app": "web", "release": "RAAAAAAAAAA"}));
    assert_eq!(story.run("convox env --json").json(), serde_json::json!({"A": "1"}));
    let get = story.run("convox env get A --json").json();
    assert_eq!(get, serde_json::json!({"key": "A", "value": "1"}));
    let unset = story.run("convox env unset A --json").json();
    assert_eq!(unset["release"], "RBBBBBBBBBB");
    story.run("convox env set A=1 --id").code(0).out(str![[r#"RCCCCCCCCCC"#]]);
}

#[test]
fn what_cannot_be_set_or_read_is_named() {
    let story = Story::new("web");
    story.run("convox env").fails(str![[r#"
ERROR: app not found: web
HINT: list apps with: convox apps
"#]]);
    story.run("convox apps create").ok();
    story.run("convox env get A").fails(str![[r#"
ERROR: env not found: A
HINT: list variables with: convox env -a web
"#]]);
    story.run("convox env set A").code(2).stderr_contains("ERROR: ");
    story
        .run("convox env unset A")
        .code(0)
        .out("")
        .err(str![[r#"NOTICE: not set, so nothing to unset: A"#]]);
    let ran = story.run("convox env set 'A=line\nline'");
    assert!(ran.code != 0 && ran.err.starts_with("ERROR: "), "{ran}");
}

#[test]
fn old_racks_get_the_whole_environment_at_a_route_of_its_own() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /system" => Response::json(r#"{"name":"old","version":"20180708231844"}"#),
        "POST /apps/web/environment" => Response::raw(
            "HTTP/1.1 200 OK\r\nRelease-Id: RNEW\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        ),
        "DELETE /apps/web/environment/A" => Response::raw(
            "HTTP/1.1 200 OK\r\nRelease-Id: RLESS\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        ),
        "GET /apps/web/releases/RNEW" => Response::json(r#"{"id":"RNEW","env":"A=1\nB=2"}"#),
        "GET /apps/web/releases/RLESS" => Response::json(r#"{"id":"RLESS","env":""}"#),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    story.run("convox env set B=2").code(0).out(str![[r#"
Setting B... OK
Release: RNEW
"#]]);
    assert_eq!(fake.one("POST /apps/web/environment").text(), "A=1\nB=2");
    story.run("convox env unset A").code(0).out(str![[r#"
Unsetting A... OK
Release: RLESS
"#]]);
    assert_eq!(fake.count("POST /apps/web/releases"), 0);
}

#[test]
fn a_release_whose_response_is_lost_is_found_below_a_newer_one() {
    let made = AtomicBool::new(false);
    let fake = MockServer::new(move |ask| match ask.line.as_str() {
        "POST /apps/web/releases" => {
            made.store(true, Ordering::Relaxed);
            Response::raw("")
        }
        "GET /apps/web/releases?limit=1" => Response::json(r#"[{"id":"ROLD","env":""}]"#),
        "GET /apps/web/releases" if made.load(Ordering::Relaxed) => {
            Response::json(r#"[{"id":"RTHEIRS"},{"id":"ROURS"},{"id":"ROLD"}]"#)
        }
        "GET /apps/web/releases/ROLD" => Response::json(r#"{"id":"ROLD","env":""}"#),
        "GET /apps/web/releases/RTHEIRS" => Response::json(r#"{"id":"RTHEIRS","env":"C=3"}"#),
        "GET /apps/web/releases/ROURS" => Response::json(r#"{"id":"ROURS","env":"B=2"}"#),
        _ => ordinary(ask),
    });
    Story::against(&fake).run("convox env set B=2").code(0).stdout_contains("Release: ROURS\n");
    assert_eq!(fake.count("POST /apps/web/releases"), 1);
}

#[test]
fn a_change_that_came_in_between_is_named() {
    // The first release of the app, and a later one.
    for before in [None, Some("ROLD")] {
        let made = AtomicBool::new(false);
        let fake = MockServer::new(move |ask| {
            let old = before.map_or(String::new(), |id| format!(r#"{{"id":"{id}"}}"#));
            match ask.line.as_str() {
                "POST /apps/web/releases" => {
                    made.store(true, Ordering::Relaxed);
                    Response::json(r#"{"id":"ROURS","env":"A=1\nB=2"}"#)
                }
                "GET /apps/web/releases?limit=1" => Response::json(&format!("[{old}]")),
                "GET /apps/web/releases" if made.load(Ordering::Relaxed) => {
                    let all = [r#"{"id":"ROURS"},{"id":"RTHEIRS"}"#, &old].join(",");
                    Response::json(&format!("[{}]", all.trim_end_matches(',')))
                }
                "GET /apps/web/releases/ROLD" => Response::json(r#"{"id":"ROLD","env":"A=1"}"#),
                "GET /apps/web/releases/RTHEIRS" => {
                    Response::json(r#"{"id":"RTHEIRS","env":"A=1\nC=3"}"#)
                }
                "GET /apps/web/releases/ROURS" => {
                    Response::json(r#"{"id":"ROURS","env":"A=1\nB=2"}"#)
                }
                _ => ordinary(ask),
            }
        });
        let ran = Story::against(&fake).run("convox env set B=2");
        let changed = if before.is_some() { "C" } else { "A, C" };
        ran.code(0).stderr_contains(&format!(
            "WARNING: release RTHEIRS came in between and is not part of ROURS: set again what it \
             changed ({changed})\n"
        ));
        // What is replaced as a whole is meant to be.
        let ran = Story::against(&fake).run("convox env set --replace B=2");
        assert!(!ran.code(0).err.contains("came in between"), "{ran}");
    }
}
