//! Parameters of racks that are JSON documents, and how `rack params set` asks a console.

use std::fs;

use snapbox::str;

use crate::support::{MockServer, Response, Story};

/// A rack on AWS.
fn rack() -> MockServer {
    MockServer::new(|ask| match ask.line.as_str() {
        "GET /system" => Response::json(
            r#"{"name":"north","provider":"aws","status":"running","version":"3.24.7","parameters":{
                "additional_node_groups_config":"W3siaWQiOjcsInR5cGUiOiJ0My5zbWFsbCJ9XQ==",
                "karpenter_config":"{}"}}"#,
        ),
        "PUT /system" => Response::json("{}"),
        _ => Response::refusal(404, "no such route"),
    })
}

#[test]
fn documents_are_shown_decoded() {
    let fake = rack();
    let story = Story::against(&fake);
    story.run("convox rack params").prints(str![[r#"
additional_node_groups_config  [{"id":7,"type":"t3.small"}]
karpenter_config               {}
"#]]);
    let json = story.run("convox rack params --json").json();
    assert_eq!(json["additional_node_groups_config"], r#"[{"id":7,"type":"t3.small"}]"#);
}

#[test]
fn a_document_is_read_from_a_file_and_takes_the_ids_that_the_rack_has() {
    let fake = rack();
    let story = Story::against(&fake);
    story.write("groups.json", r#"[ {"type": "t3.large", "disk": 50} ]"#);
    let ran = story.run("convox rack params set additional_node_groups_config=groups.json");
    ran.prints(str!["Updating parameters... OK"]);
    let form = fake.one("PUT /system").text();
    let form: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).collect();
    // [{"id":7,"type":"t3.large","disk":50}]
    let stored = "W3siaWQiOjcsInR5cGUiOiJ0My5sYXJnZSIsImRpc2siOjUwfV0=";
    let (_, parameters) = form.iter().find(|(name, _)| name == "parameters").unwrap();
    let parameters: Vec<_> = url::form_urlencoded::parse(parameters.as_bytes()).collect();
    assert_eq!(parameters[0].1, stored);
}

#[test]
fn a_document_that_is_wrong_is_not_sent() {
    let fake = rack();
    let story = Story::against(&fake);
    story.write("bad.json", r#"[{"type":"t3.large","disk":5}]"#);
    story
        .run("convox rack params set additional_build_groups_config=bad.json")
        .fails(str!["ERROR: node disk is less than 20: '5'"]);
    story
        .run("convox rack params set karpenter_config=none.json")
        .fails(str!["ERROR: invalid param 'karpenter_config' value, failed to read the file: No such file or directory (os error 2)"]);
    story.run("convox rack params set prometheus_url=http://localhost:9090").code(1);
    for (pair, error) in [
        (
            "terraform_update_timeout=90",
            "invalid value for terraform_update_timeout: must be a valid",
        ),
        ("fluentd_memory=1GB", "param 'fluentd_memory' must be a Kubernetes resource quantity"),
        ("tags=team", "invalid value for tags param"),
        ("karpenter_arch=arm", "invalid karpenter architecture: arm (must be amd64 or arm64)"),
        ("idle_timeout", "invalid parameter \"idle_timeout\", expected Key=Value format"),
    ] {
        let ran = story.run(&format!("convox rack params set {pair}"));
        ran.code(1).stderr_contains(&format!("ERROR: {error}"));
    }
    story.run("convox rack params set node_tipe=x").fails(str![[r#"
ERROR: unknown parameter 'node_tipe' for aws provider
       Did you mean 'node_type'?
HINT: see its parameters with: convox rack params
HINT: use --force to set it all the same, if the rack is newer than this program
"#]]);
    assert_eq!(fake.count("PUT /system"), 0);
}

#[test]
fn a_password_among_the_parameters_need_not_be_on_the_command_line() {
    let fake = rack();
    let story = Story::against(&fake);
    let line = "convox rack params set docker_hub_username=ada --stdin docker_hub_password";
    story.run_with(line, "hunter2\n").prints(str!["Updating parameters... OK"]);
    let form = fake.one("PUT /system").text();
    assert_eq!(form, "parameters=docker_hub_password%3Dhunter2%26docker_hub_username%3Dada");
    story.run_with(line, "").fails_with(2, str!["ERROR: no value was given on stdin"]);
    story.run("convox rack params set").code(2);
}

#[test]
fn warnings_about_the_router_are_printed_line_by_line() {
    let fake = rack();
    Story::against(&fake).run("convox rack params set router_type=contour").code(0).err(str![[r#"
WARNING: Changing router_type requires redeploying all apps.
Apps will lose connectivity until their next deployment.
WARNING: Router access logs will use Envoy default format. The access_log_retention_in_days param will not apply until a follow-up fluentd update.
"#]]);
}

#[test]
fn a_console_is_asked_once_for_the_rack() {
    let console = MockServer::new(|ask| match ask.line.as_str() {
        "GET /racks" => Response::json(r#"[{"name":"north","organization":{"name":"acme"}}]"#),
        "GET /racks/acme/north" => Response::json(
            r#"{"name":"north","organization":{"name":"acme"},"provider":"aws","state":"x",
                "version":"3.24.7","parameters":{"idle_timeout":"60"}}"#,
        ),
        "PUT /racks/acme/north" => Response::json("{}"),
        _ => Response::refusal(404, "no such route"),
    });
    let mut story = Story::alone("web");
    story.set("X_DEV_ALLOW_HTTP", "true");
    story.set("CONVOX_HOST", console.host());
    story.set("CONVOX_PASSWORD", "password");
    fs::create_dir_all(story.settings("")).unwrap();
    let ran = story.run("convox rack params set idle_timeout=7200 -r acme/north");
    ran.prints(str!["Updating parameters... OK"]);
    assert_eq!(console.count("GET /racks/acme/north"), 1);
    let form = console.one("PUT /racks/acme/north").text();
    assert!(form.contains("version=3.24.7"), "{form}");
}
