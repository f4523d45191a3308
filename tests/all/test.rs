//! `test`.

use snapbox::str;

use crate::support::{Story, until};

/// An app whose services have these tests.
fn story(tests: [&str; 2]) -> Story {
    let story = Story::new("web");
    let services = ["web", "job"].iter().zip(tests).map(|(name, test)| {
        format!("  {name}:\n    build: .\n    command: python3 web.py\n    test: {test}\n")
    });
    story.write("convox.yml", &format!("services:\n{}", services.collect::<String>()));
    story.run("convox apps create").ok();
    story
}

fn no_process_is_left(story: &Story) {
    until("the end of the processes", || {
        let processes = story.rack().json("/apps/web/processes");
        processes.as_array().unwrap().is_empty().then_some(())
    });
}

#[test]
fn each_service_is_tested_in_the_order_of_the_manifest() {
    let story = story(["ls web.py", "echo ${SIDE}"]);
    story.run("convox env set SIDE=starboard").code(0);
    story.run("convox test").prints(str![[r#"
Packaging source... OK
Uploading source... OK
Starting build... OK
Building web (BAAAAAAAAAA)
Unpacked 4 entries, SIZE
Reading convox.yml
WARNING: convox.yml: variables of the release that no service declares, and so none gets: SIDE
Built RBBBBBBBBBB from BAAAAAAAAAA
Build:   BAAAAAAAAAA
Release: RBBBBBBBBBB
Running ls web.py on web
web.py
Running echo starboard on job
starboard
"#]]);
    no_process_is_left(&story);
    // Nothing was promoted.
    assert_eq!(story.run("convox apps info --json").json()["release"], serde_json::Value::Null);
    let releases = story.run("convox releases --limit 1 --json").json();
    let release = releases[0]["id"].as_str().unwrap();
    story.run(&format!("convox test --release {release}")).prints(str![[r#"
Running ls web.py on web
web.py
Running echo starboard on job
starboard
"#]]);
}

#[test]
fn the_first_test_that_fails_ends_the_command_with_its_exit_code() {
    let story = story(["sh -c 'echo failed; exit 3'", "echo never"]);
    let ran = story.run("convox test");
    ran.code(3).stdout_contains("Running sh -c 'echo failed; exit 3' on web\nfailed\n");
    ran.err(str!["ERROR: exit 3: sh -c 'echo failed; exit 3' on web"]);
    assert!(!ran.out.contains("never"), "{ran}");
    no_process_is_left(&story);
}

#[test]
fn without_tests_only_the_build_is_made() {
    let story = Story::new("web");
    story.run("convox test").fails(str![[r#"
ERROR: no such app: web
HINT: create it with: convox apps create web
"#]]);
    story.run("convox apps create").ok();
    let ran = story.run("convox test");
    ran.ok();
    assert!(!ran.out.contains("Running"), "{ran}");
    story.run("convox test --release RNOPE").fails(str![[r#"
ERROR: no such release: RNOPE
HINT: list releases with: convox releases -a web
"#]]);
}
