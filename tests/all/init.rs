//! `init`: a first manifest.

use std::fs;

use snapbox::str;

use crate::support::Story;

fn without_manifest() -> Story {
    let story = Story::new("web");
    fs::remove_file(story.path("web/convox.yml")).unwrap();
    story
}

#[test]
fn a_new_app_is_initialized_and_deployed() {
    let story = without_manifest();
    story
        .run("convox init")
        .code(0)
        .out(str!["Wrote convox.yml, with the service web (from Dockerfile)"])
        .err(str![[r#"
NOTICE: the app is not deployed yet
HINT: try it on the development rack with: convox deploy --create -r dev
"#]]);
    let written = fs::read_to_string(story.path("web/convox.yml")).unwrap();
    assert_eq!(
        written,
        "services:\n  web:\n    build: .\n    command: python3 web.py\n    port: 3000\n"
    );
    story.deploy();
    assert_eq!(story.get("web"), "Hello World!\n");
    story.run("convox init").fails(str![[r#"
ERROR: convox.yml exists already
HINT: it was not changed; remove it first to get a new one
"#]]);
    assert_eq!(fs::read_to_string(story.path("web/convox.yml")).unwrap(), written);
}

#[test]
fn json_names_the_services_and_what_they_come_from() {
    let story = without_manifest();
    story.write("api/Procfile", "web: bin/web\nworker: bin/worker --all\n");
    let ran = story.run("convox init api --json");
    ran.code(0).err(str![[r#"
NOTICE: racks build services from a Dockerfile, and there is none yet; the development rack needs none
NOTICE: the app is not deployed yet
HINT: try it on the development rack with: convox deploy --create api -r dev
"#]]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&ran.out).unwrap(),
        serde_json::json!({
            "path": "/story/web/api/convox.yml",
            "services": [
                {"name": "web", "command": "bin/web", "port": 3000},
                {"name": "worker", "command": "bin/worker --all", "port": null},
            ],
            "sources": ["Procfile"],
        })
    );
    story.run("convox init nowhere").fails(str![[r#"ERROR: no such directory: nowhere"#]]);
}

#[test]
fn a_deploy_without_a_manifest_shows_the_one_that_init_writes() {
    let story = without_manifest();
    story.run("convox deploy --create").fails(str![[r#"
ERROR: no convox.yml or docker-compose.yml in /story/web
HINT: write this one with: convox init
HINT:   services:
HINT:     web:
HINT:       build: .
HINT:       command: python3 web.py
HINT:       port: 3000
HINT: or name the manifest with --manifest
"#]]);
    let dir = story.path("web");
    story.run("convox build web").code(1);
    let ran = story.shell("cd .. && convox build web");
    ran.code(1).stderr_contains("HINT: write this one with: convox init web\n");
    assert!(!dir.join("convox.yml").exists());
}

#[test]
fn a_link_in_the_place_of_the_manifest_is_never_written_through() {
    let story = without_manifest();
    std::os::unix::fs::symlink("elsewhere", story.path("web/convox.yml")).unwrap();
    story.run("convox init").code(1).stderr_contains("exists already");
    assert!(!story.path("web/elsewhere").exists());
}
