//! `racks` and `switch`: the list of racks, and which one a command uses.

use snapbox::str;

use std::fs;
use std::path::Path;

use crate::support::{MockServer, PASSWORD, Response, Story, ordinary};

/// Configures a direct rack as 3.x clients do: by a file with its URL.
fn add(story: &Story, name: &str, url: &str) {
    let path = story.settings("racks").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, url).unwrap();
}

fn nowhere() -> String {
    format!("https://convox:{PASSWORD}@rack.invalid")
}

#[test]
fn racks_of_this_machine_are_listed_with_what_was_last_seen_of_them() {
    let mut story = Story::new("web");
    add(&story, "north", &story.rack().url());
    add(&story, "south", &nowhere());
    story.unset("RACK_URL");
    story.run("convox racks").prints(str![[r#"
NAME   PROVIDER  STATUS
north  unknown   unknown
south  unknown   unknown
"#]]);
    story.run("convox apps -r nor").prints(str![[r#"APP  STATUS"#]]);
    story.run("convox racks").prints(str![[r#"
NAME   PROVIDER  STATUS
north  dev       running
south  unknown   unknown
"#]]);
    assert_eq!(
        story.run("convox racks --json").json()[0],
        serde_json::json!({"name": "north", "provider": "dev", "status": "running"})
    );
}

#[test]
fn without_racks_the_table_is_empty() {
    Story::alone("web").run("convox racks").prints(str![[r#"NAME  PROVIDER  STATUS"#]]);
}

#[test]
fn a_rack_is_chosen_and_used_from_then_on() {
    let mut story = Story::new("web");
    add(&story, "north", &story.rack().url());
    add(&story, "northwest", &nowhere());
    story.unset("RACK_URL");
    story.run("convox switch").fails(str![[r#"
ERROR: no current rack, use `convox racks` to list and `convox switch <name>` to select
HINT: log in to a console with: convox login HOST
HINT: or set RACK_URL=https://convox:PASSWORD@HOST
HINT: the development rack needs no account: add -r dev
"#]]);
    story.run("convox switch north").prints(str![[r#"Switched to north"#]]);
    story.run("convox switch").prints(str![[r#"north"#]]);
    story.run("convox apps").prints(str![[r#"APP  STATUS"#]]);
    assert_eq!(story.run("convox switch --json").json(), serde_json::json!({"rack": "north"}));
    assert_eq!(
        story.run("convox switch west --json").json(),
        serde_json::json!({"rack": "northwest"})
    );
    story.run("convox switch orth").fails(str![[r#"
ERROR: ambiguous rack name: orth (matches north, northwest)
HINT: list racks with: convox racks
"#]]);
    story.run("convox switch east").fails(str![[r#"
ERROR: could not find rack: east
HINT: list racks with: convox racks
"#]]);
    story.run("convox switch").prints(str![[r#"northwest"#]]);
}

#[test]
fn a_rack_that_no_longer_exists_is_named() {
    let story = Story::alone("web");
    fs::create_dir_all(story.settings("")).unwrap();
    fs::write(story.settings("current"), r#"{"name":"gone","type":"direct"}"#).unwrap();
    for line in ["convox apps", "convox switch"] {
        story.run(line).fails(str![[r#"
ERROR: no such direct rack: gone
HINT: choose a rack with: convox switch RACK
"#]]);
    }
    fs::write(story.settings("current"), "{").unwrap();
    story.run("convox apps").fails(str![[r#"
ERROR: /story/home/.config/convox/current is not a JSON object with the name and type of a rack (invalid JSON at line 1 column 1)
HINT: fix the file, or delete it and select a rack with: convox switch RACK
"#]]);
}

#[test]
fn the_built_in_rack_can_be_chosen_and_a_configured_one_of_its_name_wins() {
    let mut story = Story::new("web");
    add(&story, "north", &story.rack().url());
    story.unset("RACK_URL");
    story.run("convox switch dev").prints(str![[r#"Switched to dev"#]]);
    story.run("convox switch").prints(str![[r#"dev"#]]);
    let current = fs::read_to_string(story.settings("current")).unwrap();
    assert_eq!(current, r#"{"name":"dev","type":"dev"}"#);
    add(&story, "mydev", &story.rack().url());
    story.run("convox switch dev").prints(str![[r#"Switched to mydev"#]]);
    story.run("convox switch @dev").prints(str![[r#"Switched to dev"#]]);
    story.run("convox apps -r dev").prints(str![[r#"APP  STATUS"#]]);
    assert!(!story.path("home/.local/share/convox").exists(), "no rack was started");
}

#[test]
fn racks_and_switch_have_no_rack_flag() {
    let story = Story::alone("web");
    add(&story, "north", &nowhere());
    for line in ["convox racks -r north", "convox switch -r north", "convox switch --rack north"] {
        story.run(line).code(2).stderr_contains("unexpected argument");
    }
    story.run("convox racks --debug --insecure").stdout_contains("north");
    story.run("convox switch north --debug --insecure").prints(str![[r#"Switched to north"#]]);
}

#[test]
fn rack_url_overrides_every_other_choice_but_conflicts_with_dev() {
    let mut story = Story::new("web");
    story.run("convox apps -r nonsense").prints(str![[r#"APP  STATUS"#]]);
    story.run("convox apps -r dev").fails(str![[r#"
ERROR: --rack dev asks for the development rack, but RACK_URL is set to http://127.0.0.1:10001
HINT: unset RACK_URL, or leave out --rack dev
"#]]);
    story.set("CONVOX_RACK", "dev");
    story.run("convox apps").fails(str![[r#"
ERROR: CONVOX_RACK=dev asks for the development rack, but RACK_URL is set to http://127.0.0.1:10001
HINT: unset RACK_URL, or leave out CONVOX_RACK=dev
"#]]);
}

#[test]
fn a_rack_name_may_come_from_a_variable_or_the_working_directory() {
    let mut story = Story::new("web");
    add(&story, "north", &story.rack().url());
    add(&story, "south", &nowhere());
    story.unset("RACK_URL");
    story.write(".convox/rack", "north\n");
    story.run("convox apps").prints(str![[r#"APP  STATUS"#]]);
    story.set("CONVOX_RACK", "south");
    story.run("convox switch").prints(str![[r#"south"#]]);
    story.run("convox apps --rack north").prints(str![[r#"APP  STATUS"#]]);
}

#[test]
fn the_settings_directory_can_be_chosen() {
    let mut story = Story::new("web");
    let directory = story.path("elsewhere");
    fs::create_dir_all(directory.join("racks")).unwrap();
    fs::write(directory.join("racks/east"), story.rack().url()).unwrap();
    story.unset("RACK_URL").set("CONVOX_CONFIG", directory.as_os_str());
    story.run("convox switch east").prints(str![[r#"Switched to east"#]]);
    story.run("convox apps").prints(str![[r#"APP  STATUS"#]]);
    assert!(directory.join("current").exists() && !story.settings("").exists());
}

#[test]
fn racks_of_the_console_are_listed_and_reached_through_it() {
    let fake = MockServer::new(|ask| match (ask.line.as_str(), ask.header("rack")) {
        ("GET /racks", None) => Response::json(
            r#"[{"name":"production","organization":{"name":"acme"},"provider":"aws",
                 "status":"running"}]"#,
        ),
        (_, Some("acme/production")) => ordinary(ask),
        _ => Response::refusal(404, ""),
    });
    let mut story = Story::alone("web");
    story.set("X_DEV_ALLOW_HTTP", "true").set("CONVOX_HOST", fake.host());
    story.set("CONVOX_PASSWORD", PASSWORD);
    story.run("convox racks").prints(str![[r#"
NAME             PROVIDER  STATUS
acme/production  aws       running
"#]]);
    story.run("convox switch prod").prints(str![[r#"Switched to acme/production"#]]);
    story.run("convox apps").prints(str![[r#"
APP  STATUS
web  running
"#]]);
    story.run("convox switch").prints(str![[r#"acme/production"#]]);
    fs::write(story.settings("current"), r#"{"name":"acme/gone","type":"console"}"#).unwrap();
    for line in ["convox apps", "convox switch"] {
        story.run(line).fails(str![[r#"
ERROR: no such console rack: acme/gone
HINT: choose a rack with: convox switch RACK
"#]]);
    }
}

/// A console that requires a session for everything, and fails to create one.
fn console_without_sessions(second_factor: bool) -> (MockServer, Story) {
    let fake = MockServer::new(move |ask| match ask.line.as_str() {
        "POST /session" => Response::refusal(500, "no session"),
        _ => Response::raw(format!(
            "HTTP/1.1 401 X\r\nContent-Length: 0\r\nConnection: close\r\n\
             WWW-Authenticate: Session path=\"/session\" token=\"{second_factor}\"\r\n\r\n"
        )),
    });
    let mut story = Story::alone("web");
    story.set("X_DEV_ALLOW_HTTP", "true").set("CONVOX_HOST", fake.host());
    story.set("CONVOX_PASSWORD", PASSWORD);
    (fake, story)
}

#[test]
fn a_console_that_refuses_a_session_is_an_error() {
    let (_console, story) = console_without_sessions(false);
    for line in ["convox racks", "convox apps -r acme/north", "convox switch north"] {
        let ran = story.run(line);
        ran.is_error()
            .stderr_contains("ERROR: no session\nHINT: the rack failed at POST /session\n");
        assert_eq!(ran.code, 1);
    }
}

#[test]
fn the_name_of_a_terraform_rack_is_shown_without_running_terraform() {
    let mut story = Story::alone("web");
    story.set("PATH", "/nowhere");
    add(&story, "north/main.tf", "");
    fs::write(story.settings("current"), r#"{"name":"north","type":"terraform"}"#).unwrap();
    story.run("convox switch").prints(str![[r#"north"#]]);
    fs::write(story.settings("current"), r#"{"name":"south","type":"terraform"}"#).unwrap();
    story.run("convox switch").fails(str![[r#"
ERROR: no such terraform rack: south
HINT: choose a rack with: convox switch RACK
"#]]);
}

#[test]
fn several_clients_at_once_leave_one_complete_and_private_choice() {
    use std::os::unix::fs::PermissionsExt;
    let story = Story::alone("web");
    let names: Vec<String> = (0..8).map(|number| format!("rack-{number}")).collect();
    names.iter().for_each(|name| add(&story, name, &nowhere()));
    let lines = names.iter().map(|name| format!("convox switch {name}"));
    let running: Vec<_> = lines.map(|line| story.start(&line)).collect();
    running.into_iter().for_each(|running| {
        running.end().ok();
    });
    let chosen = story.run("convox switch");
    assert!(names.contains(&chosen.ok().out.trim().to_owned()), "{chosen}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&story.settings("current")), 0o600);
    let left = fs::read_dir(story.settings("")).unwrap();
    let mut names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".lock", "current", "racks"], "no temporary files");
}

#[test]
fn a_new_settings_directory_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let story = Story::alone("web");
    story.run("convox switch @dev").ok();
    let mode = fs::metadata(story.settings("")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
}

#[test]
fn the_app_comes_from_a_flag_a_variable_a_file_or_the_directory() {
    let mut story = Story::new("web");
    for app in ["flagged", "variable", "filed", "web"] {
        story.run(&format!("convox apps create {app}")).ok();
    }
    let name = |story: &Story, line: &str| {
        story.run(line).json()["name"].as_str().map(str::to_owned).unwrap()
    };
    assert_eq!(name(&story, "convox apps info --json"), "web");
    story.write(".convox/app", "filed\n");
    assert_eq!(name(&story, "convox apps info --json"), "filed");
    story.set("CONVOX_APP", "variable");
    assert_eq!(name(&story, "convox apps info --json"), "variable");
    assert_eq!(name(&story, "convox apps info --json -a flagged"), "flagged");
}
