//! Commands that only a console answers, against the console for tests.

use std::fs;

use convox_devrack::console::Required;
use snapbox::str;

use crate::support::console::{BROWSER, ConsoleProcess, RACK, TOKEN, TestConsole};
use crate::support::{MockServer, Response, Story, ordinary};

/// A rack with the app web, and a console before it.
fn scene() -> (Story, TestConsole) {
    let mut story = Story::new("web");
    story.run("convox apps create web").ok();
    let console = TestConsole::start(story.rack());
    story.unset("RACK_URL").set("CONVOX_RETRY", "0").set("CONVOX_RACK", RACK);
    for (name, value) in console.variables() {
        story.set(name, value);
    }
    (story, console)
}

#[test]
fn the_accounts_of_an_organization_and_of_a_rack_are_listed_and_attached() {
    let (story, console) = scene();
    console.console.require(Required::Session);
    for line in ["convox runtimes acme", "convox rack runtimes"] {
        story.run(line).prints(str![[r#"
ID         TITLE
runtime-1  production account
"#]]);
    }
    story.run("convox rack runtime attach runtime-1").prints("OK");
    assert_eq!(
        console.console.changes(),
        ["PUT /racks/acme/production/runtimes runtime=runtime-1"]
    );
    story.run("convox rack runtime attach runtime-9").fails(str![[r#"
ERROR: runtime not found: runtime-9
HINT: list runtimes with: convox rack runtimes
"#]]);
    story.run("convox runtimes nowhere").fails(str![[r#"
ERROR: organization not found: nowhere
HINT: list the racks of your organizations with: convox racks
"#]]);
    story.run("convox runtimes acme beta").code(2);
    story.run("convox rack runtimes -r acme/gone").fails(str![[r#"
ERROR: could not find rack: acme/gone
HINT: list racks with: convox racks
"#]]);
}

#[test]
fn the_workflows_of_a_rack_are_listed_and_run() {
    let (story, console) = scene();
    console.console.require(Required::Session);
    story.run("convox workflows").prints(str![[r#"
ID          KIND        NAME
workflow-1  deployment  deploy
"#]]);
    story
        .run("convox workflows run workflow-1 -a web --commit abc --title Hotfix")
        .prints(str!["Successfully trigger the workflow, job id: job-1"]);
    let run = story.run("convox workflows run workflow-1 -a web --branch main --json").json();
    assert_eq!(run, serde_json::json!({"workflow": "workflow-1", "job": "job-1"}));
    assert_eq!(
        console.console.changes(),
        [
            "POST /racks/acme/production/workflows/workflow-1/run app=web&commit=abc&title=Hotfix",
            "POST /racks/acme/production/workflows/workflow-1/run app=web&branch=main",
        ]
    );
    story.run("convox workflows run workflow-9 -a web --commit abc").fails(str![[r#"
ERROR: workflow not found: workflow-9
HINT: list workflows with: convox workflows
"#]]);
    story.run("convox workflows run workflow-1 --commit abc").fails(str![[r#"
ERROR: app is required
HINT: name it with --app
"#]]);
    story.run("convox workflows run workflow-1 -a web").fails(str![[r#"
ERROR: branch or commit is required
HINT: name what to run it on with --branch or --commit
"#]]);
    assert_eq!(console.console.changes().len(), 2);
}

#[test]
fn machines_are_listed_and_used() {
    let (story, console) = scene();
    console.console.require(Required::Session);
    story.run("convox cloud machines").prints(str![[r#"
NAME      CPU  MEMORY  AGE
acme/web  1    2       1d
"#]]);
    story.run("convox cloud apps -i acme/web").prints(str![[r#"
APP  STATUS
web  running
"#]]);
    story.run("convox cloud apps -i nowhere").fails(str![[r#"
ERROR: no machine found matching 'nowhere'
HINT: list machines with: convox cloud machines
"#]]);
    story.run("convox cloud apps").fails(str![[r#"
ERROR: machine not specified
HINT: name one with --machine or CONVOX_MACHINE
HINT: list machines with: convox cloud machines
"#]]);
}

#[test]
fn the_console_for_tests_runs_in_a_process_of_its_own_too() {
    let mut story = Story::new("web");
    story.run("convox apps create web").ok();
    let console = ConsoleProcess::start(story.rack(), &["--second-factor"]);
    story.unset("RACK_URL").program("a-browser", BROWSER).set("BROWSER", "a-browser");
    story.set("X_DEV_ALLOW_HTTP", "true").set("CONVOX_TOKEN", TOKEN);
    let (code, seen) = story.on_terminal(&format!("convox login {}", console.address)).end();
    assert_eq!(code, 0, "{seen}");
    story.run("convox racks").prints(str![[r#"
NAME             PROVIDER  STATUS
acme/production  aws       running
"#]]);
    story.run("convox switch production").prints("Switched to acme/production");
    story.run("convox apps").prints("APP  STATUS\nweb  running");
    story.run("convox cloud apps -i web").prints("APP  STATUS\nweb  running");
    for (name, value) in console.variables() {
        story.set(name, value);
    }
    story.run("convox runtimes acme").ok().stdout_contains("runtime-1");
}

#[test]
fn a_console_without_a_page_for_the_second_factor_is_named_with_the_other_way() {
    let (mut story, console) = scene();
    story.program("a-browser", BROWSER).set("BROWSER", "a-browser");
    console.console.require(Required::SecondFactor);
    console.console.close_page();
    let mut terminal = story.on_terminal("convox apps");
    terminal.shows("--token or CONVOX_TOKEN");
    terminal.types("\u{3}");
    let (code, seen) = terminal.end();
    let seen = seen.replace("\r\n", "\n");
    assert_eq!((code, console.console.signed()), (130, 0), "{seen}");
    for part in [
        "WARNING: the console may have no such page (404), and keys are not read over USB\n",
        "HINT: log in with a token that needs no second factor: --token or CONVOX_TOKEN\n",
    ] {
        assert!(seen.contains(part), "{part}: {seen}");
    }
}

#[test]
fn refused_credentials_are_named_with_where_they_are() {
    let (mut story, console) = scene();
    let host = console.address.to_string();
    story.set("CONVOX_PASSWORD", "wrong");
    for line in ["convox apps", "convox cloud apps -i acme/web", "convox runtimes acme"] {
        story.run(line).code(1).err(format!(
            "ERROR: invalid authentication\nHINT: check CONVOX_PASSWORD, or unset it and log in \
             with: convox login {}",
            story.shown(&host)
        ));
    }
    story.unset("CONVOX_PASSWORD");
    fs::create_dir_all(story.settings("racks")).unwrap();
    let auth = serde_json::json!({ host.as_str(): "wrong" }).to_string();
    fs::write(story.settings("auth"), auth).unwrap();
    for line in ["convox apps", "convox cloud apps -i acme/web", "convox runtimes acme"] {
        story.run(line).code(1).err(format!(
            "ERROR: invalid authentication\nHINT: log in again with: convox login {}",
            story.shown(&host)
        ));
    }
    let url = format!("http://convox:wrong@{}", story.rack().address);
    fs::write(story.settings("racks/north"), &url).unwrap();
    story.run("convox apps -r north").fails(str![[r#"
ERROR: invalid authentication
HINT: check the password in /story/home/.config/convox/racks/north
"#]]);
    let expired = MockServer::new(|_| Response::refusal(401, "cli token is expired"));
    story.set("CONVOX_HOST", expired.host());
    let ran = story.run("convox racks");
    ran.stderr_contains("HINT: log in again with: convox login 127.0.0.1:");
}

#[test]
fn a_new_key_is_set_where_the_parameters_of_the_rack_are_kept() {
    let console = MockServer::new(|ask| match ask.line.as_str() {
        "GET /racks" => Response::json(r#"[{"name":"north","organization":{"name":"acme"}}]"#),
        "GET /racks/acme/north" => Response::json(
            r#"{"name":"north","organization":{"name":"acme"},"provider":"aws","state":"x",
                "version":"3.24.7","parameters":{}}"#,
        ),
        "PUT /racks/acme/north" => Response::refusal(403, "not now"),
        "POST /instances/keyroll" => {
            Response::json(r#"{"name":"rack-key","private-key":"-----BEGIN KEY-----\nabc\n"}"#)
        }
        _ => ordinary(ask),
    });
    let mut story = Story::alone("web");
    story.set("X_DEV_ALLOW_HTTP", "true").set("CONVOX_HOST", console.host());
    story.set("CONVOX_PASSWORD", TOKEN).set("CONVOX_RETRY", "0").set("CONVOX_RACK", "acme/north");
    story
        .run("convox instances keyroll")
        .code(1)
        .out(str![[r#"
Rolling instance key... OK
Updating parameters... Generated private key:
-----BEGIN KEY-----
abc
"#]])
        .err(str![[r#"
ERROR: not now
HINT: have the rack use the key with: convox rack params set 'key_pair_name=rack-key'
"#]]);
    let ran = story.run("convox instances keyroll --json");
    let document: serde_json::Value = serde_json::from_str(&ran.code(1).out).unwrap();
    assert_eq!(document["private_key"], "-----BEGIN KEY-----\nabc\n");
    assert_eq!((console.count("PUT /racks/acme/north"), console.count("PUT /system")), (2, 0));
}
