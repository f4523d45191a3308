//! The commands of a rack as a whole: its processes, versions, size, access and log.

use snapbox::str;

use crate::support::{MockServer, Request, Response, Story, ordinary};

fn answer(ask: &Request) -> Response {
    match ask.line.as_str() {
        "GET /system" => Response::json(
            r#"{"name":"north","provider":"aws","region":"eu-west-1","status":"running",
                "version":"3.24.7","domain":"router.north.test","rack-domain":"api.north.test",
                "count":3,"type":"t3.large","parameters":{"Autoscale":"Yes"},
                "outputs":{"NLBHost":"nlb.test","EIP0":"1.2.3.4"}}"#,
        ),
        "GET /system/processes" => Response::json(
            r#"[{"id":"api-1","app":"system","name":"api","status":"running","release":"3.24.7",
                 "started":"1970-01-01T00:00:00Z","command":"api web"}]"#,
        ),
        "GET /system/processes?all=true" => Response::json("[]"),
        "GET /system/releases" => {
            Response::json(r#"[{"id":"3.24.7","created":"1970-01-01T00:00:00Z"},{"id":"3.24.6"}]"#)
        }
        "POST /system/jwt/token" => Response::json(r#"{"token":"abc.def"}"#),
        "PUT /system/jwt/rotate"
        | "POST /system/karpenter/cleanup"
        | "PUT /system"
        | "GET /system/sync/whitelist/instances/ip" => Response::refusal(200, "ok\n"),
        line if line.starts_with("GET /system/logs") => {
            Response::log(&["2026-02-11T10:00:00Z service/api/api-1 started\n"])
        }
        _ => ordinary(ask),
    }
}

fn story(fake: &MockServer) -> Story {
    Story::against(fake)
}

#[test]
fn a_rack_is_described() {
    let fake = MockServer::new(answer);
    let story = story(&fake);
    story.run("convox rack").prints(str![[r#"
Name      north
Provider  aws
Region    eu-west-1
Router    router.north.test
NLB       nlb.test
Status    running
Version   3.24.7
"#]]);
    story.run("convox rack ps").prints(str![[r#"
ID     APP     SERVICE  STATUS   RELEASE  STARTED           COMMAND
api-1  system  api      running  3.24.7   a long while ago  api web
"#]]);
    story
        .run("convox rack ps --all")
        .prints(str!["ID  APP  SERVICE  STATUS  RELEASE  STARTED  COMMAND"]);
    story.run("convox rack releases").prints(str![[r#"
VERSION  UPDATED
3.24.7   a long while ago
3.24.6
"#]]);
    story.run("convox rack scale").prints(str![[r#"
Autoscale  Yes
Count      3
Status     running
Type       t3.large
"#]]);
    assert_eq!(story.run("convox rack releases --json").json()[1]["version"], "3.24.6");
    story.run("convox rack logs --no-follow").code(0).stdout_contains("service/api/api-1 started");
    story.run("convox rack wait").prints(str![[r#"
Waiting for rack... 
OK
"#]]);
}

#[test]
fn a_rack_is_changed() {
    let fake = MockServer::new(answer);
    let story = story(&fake);
    story.run("convox rack scale --count 4 --type m5.large").prints(str!["Scaling rack... OK"]);
    assert_eq!(fake.one("PUT /system").text(), "count=4&type=m5.large");
    story.run("convox rack karpenter cleanup").prints(str!["Cleaning up Karpenter nodes... OK"]);
    story.run("convox rack sync whitelist instances ip").prints(str!["OK"]);
    story.run("convox rack update 3.24.8").prints(str!["Updating to 3.24.8... OK"]);
    story.run("convox rack update 3.23.1").fails(str![
        "ERROR: Downgrade from minor version is not supported for v3 rack. Contact the support."
    ]);
    story.run("convox rack update ''").code(2);
}

#[test]
fn access_is_given_with_a_role_and_a_duration() {
    let fake = MockServer::new(answer);
    let story = story(&fake);
    story
        .run("convox rack access --role read --duration-in-hours 8")
        .prints(str!["RACK_URL=https://jwt:abc.def@api.north.test"]);
    assert_eq!(fake.one("POST /system/jwt/token").text(), "role=read&durationInHour=8");
    story.run("convox rack access --role read").fails(str![[r#"
ERROR: duration is required
HINT: give it in hours, with --duration-in-hours
"#]]);
    story.run("convox rack access").fails(str![[r#"
ERROR: role is required
HINT: choose one with --role: read, write or admin
"#]]);
    story.run("convox rack access key rotate").prints(str!["OK"]);
    let refusing = MockServer::new(|ask| match ask.line.as_str() {
        "PUT /system/jwt/rotate" => Response::refusal(401, "you are unauthorized to access this"),
        _ => answer(ask),
    });
    Story::against(&refusing).run("convox rack access key rotate").fails(str![[r#"
ERROR: you are unauthorized to access this
HINT: the role of the token does not permit this: use the password of the rack, or a token with the role write or admin
HINT: with the password of the rack, create a token with: convox rack access --role ROLE --duration-in-hours HOURS
"#]]);
}

#[test]
fn a_kubeconfig_names_the_rack() {
    let fake = MockServer::new(answer);
    let mut story = story(&fake);
    story.set("RACK_URL", format!("http://convox:cluster@{}", fake.host()));
    let ran = story.run("convox rack kubeconfig");
    ran.ok().stdout_contains("server: http://127.0.0.1:10001/kubernetes/");
    ran.stdout_contains("username: \"convox\"");
    assert!(fake.requests().is_empty());
}

#[test]
fn a_kubeconfig_keeps_the_path_of_the_rack_and_quotes_what_needs_it() {
    let mut story = Story::alone("web");
    story.set("RACK_URL", "https://jwt:a%22b%5C%3A%20c@rack.test/base/");
    let ran = story.run("convox rack kubeconfig");
    ran.ok().stdout_contains("    server: https://rack.test/base/kubernetes/\n");
    ran.stdout_contains("    username: \"jwt\"\n    password: \"a\\\"b\\\\: c\"\n");
}

#[test]
fn without_a_version_a_rack_that_is_reached_directly_gets_the_newest_patch() {
    let published = MockServer::new(|ask| match ask.line.split('?').next() {
        Some("GET /repos/convox/convox/releases") => {
            Response::json(r#"[{"tag_name":"3.25.0"},{"tag_name":"3.24.9"},{"tag_name":"3.24.8"}]"#)
        }
        _ => Response::refusal(404, "no such route"),
    });
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /system" => Response::json(
            r#"{"name":"north","provider":"aws","status":"running","version":"3.24.7"}"#,
        ),
        _ => answer(ask),
    });
    let mut story = story(&fake);
    story.set("CONVOX_RELEASES_URL", format!("http://{}", published.host()));
    story.run("convox rack update").prints(str!["Updating to 3.24.9... OK"]);
}

#[test]
fn what_only_reads_leaves_no_settings_directory() {
    let story = Story::alone("web");
    for line in ["racks", "switch", "apps", "rack params", "cloud machines", "runtimes acme"] {
        story.run(&format!("convox {line}"));
        assert!(!story.settings("").exists(), "{line}");
    }
}

#[test]
fn a_rack_that_no_console_manages_can_not_be_synchronized() {
    let fake = MockServer::new(answer);
    let story = story(&fake);
    story
        .run("convox rack sync")
        .fails(str!["ERROR: sync is only supported for console managed v2 racks"]);
    story.run("convox rack runtimes").is_error();
    story.run("convox rack runtime attach rt-1").is_error();
    story.run("convox workflows").is_error();
}
