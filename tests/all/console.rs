//! Racks that are known on this machine need no console, and a console that fails hides nothing.

use std::fs;

use crate::support::{MockServer, PASSWORD, Response, Story, ordinary};

const RACKS: &str = r#"[{"name":"production","organization":{"name":"acme"},"provider":"aws",
                        "status":"running"}]"#;

/// A console whose list can be read while the file `away` is missing.
fn console(away: &std::path::Path) -> MockServer {
    let away = away.to_owned();
    MockServer::new(move |ask| match (ask.line.as_str(), ask.header("rack")) {
        ("GET /racks", None) if away.exists() => Response::refusal(500, "out of order"),
        ("GET /racks", None) => Response::json(RACKS),
        (_, Some("acme/production")) => ordinary(ask),
        _ => Response::refusal(404, ""),
    })
}

fn story(console: &MockServer) -> Story {
    let mut story = Story::alone("web");
    story.set("X_DEV_ALLOW_HTTP", "true").set("CONVOX_HOST", console.host());
    story.set("CONVOX_PASSWORD", PASSWORD).set("CONVOX_RETRY", "0");
    story
}

fn add(story: &Story, name: &str, url: &str) {
    fs::create_dir_all(story.settings("racks")).unwrap();
    fs::write(story.settings("racks").join(name), url).unwrap();
}

#[test]
fn a_rack_of_this_machine_is_used_without_asking_the_console() {
    let away = tempfile::tempdir().unwrap();
    let (console, rack) = (console(away.path()), MockServer::new(ordinary));
    let story = story(&console);
    add(&story, "north", &rack.url());
    story.run("convox apps -r north").prints("APP  STATUS\nweb  running");
    story.run("convox switch north").prints("Switched to north");
    story.run("convox apps").prints("APP  STATUS\nweb  running");
    story.run("convox switch dev").prints("Switched to dev");
    assert_eq!(console.requests().len(), 0);
}

#[test]
fn a_name_in_the_cached_list_needs_no_other_request_and_an_unknown_one_does() {
    let away = tempfile::tempdir().unwrap().keep();
    let console = console(&away.join("away"));
    let story = story(&console);
    story.run("convox apps -r acme/production").prints("APP  STATUS\nweb  running");
    assert_eq!(console.count("GET /racks"), 1);
    story.run("convox apps -r acme/production").prints("APP  STATUS\nweb  running");
    story.run("convox switch prod").prints("Switched to acme/production");
    story.run("convox apps").prints("APP  STATUS\nweb  running");
    assert_eq!(console.count("GET /racks"), 1);
    story
        .run("convox apps -r staging")
        .code(1)
        .stderr_contains("ERROR: could not find rack: staging");
    assert_eq!(console.count("GET /racks"), 2);
    fs::remove_dir_all(away).unwrap();
}

#[test]
fn a_console_that_fails_is_reported_only_where_it_is_needed() {
    let away = tempfile::tempdir().unwrap();
    let (console, rack) = (console(away.path()), MockServer::new(ordinary));
    let story = story(&console);
    add(&story, "north", &rack.url());
    story.run("convox apps -r north").ok();
    let ran = story.run("convox apps -r nor");
    ran.code(0).out("APP  STATUS\nweb  running").stderr_contains("WARNING: can't list the racks");
    let ran = story.run("convox racks");
    ran.code(0)
        .stdout_contains("north")
        .stderr_contains("WARNING: can't list the racks of the console: out of order");
}

#[test]
fn a_console_that_can_not_be_reached_is_named_and_not_looked_for_among_the_racks() {
    let mut story = Story::alone("web");
    story.set("X_DEV_ALLOW_HTTP", "true").set("CONVOX_HOST", "127.0.0.1:1");
    story.set("CONVOX_PASSWORD", PASSWORD).set("CONVOX_RETRY", "0");
    for line in ["convox apps -r acme/production", "convox runtimes acme", "convox racks"] {
        let ran = story.run(line);
        ran.stderr_contains("connection refused")
            .stderr_contains("HINT: check the network, and that 127.0.0.1:1 is the console\n");
    }
}

#[test]
fn racks_lists_what_the_console_said_last_if_it_fails() {
    let away = tempfile::tempdir().unwrap().keep();
    let console = console(&away.join("away"));
    let story = story(&console);
    story.run("convox racks").ok().stdout_contains("acme/production");
    fs::create_dir(away.join("away")).unwrap();
    let ran = story.run("convox racks");
    ran.code(0).stdout_contains("acme/production  aws       running\n");
    ran.stderr_contains(
        "WARNING: can't list the racks of the console: out of order; showing its racks as of ",
    );
    fs::remove_dir_all(away).unwrap();
}

#[test]
fn the_list_of_another_console_is_not_used() {
    let away = tempfile::tempdir().unwrap();
    let first = console(&away.path().join("away"));
    let second = MockServer::new(|ask| match ask.line.as_str() {
        "GET /racks" => Response::json("[]"),
        _ => Response::refusal(404, ""),
    });
    let mut story = story(&first);
    story.run("convox racks").ok().stdout_contains("acme/production");
    story.set("CONVOX_HOST", second.host());
    story.run("convox apps -r acme/production").code(1).stderr_contains("could not find rack");
}

#[test]
fn racks_lists_the_others_if_the_development_rack_cannot_be_read() {
    let mut story = Story::alone("web");
    let data = story.path("data");
    fs::create_dir_all(data.join("rack.json")).unwrap();
    story.set("CONVOX_DATA", data.as_os_str());
    add(&story, "north", "https://rack.invalid");
    let ran = story.run("convox racks");
    ran.code(0)
        .stdout_contains("north")
        .stdout_contains("dev")
        .stderr_contains("WARNING: the development rack: ");
}

#[test]
fn commands_that_need_no_working_directory_work_without_one() {
    let away = tempfile::tempdir().unwrap();
    let story = story(&console(&away.path().join("away")));
    add(&story, "north", "https://rack.invalid");
    for line in
        ["convox racks", "convox switch north", "convox switch", "convox version -r nowhere"]
    {
        let ran = story.shell(&format!("mkdir gone && cd gone && rmdir ../gone && {line}"));
        ran.code(0);
        assert!(!ran.err.contains("working directory"), "{ran}");
    }
    let ran = story.shell("mkdir gone && cd gone && rmdir ../gone && convox apps info -r north");
    ran.code(1).stderr_contains("ERROR: the working directory can't be used: ");
}
